"""Tests of the assertion itself: it must fail for modules that are not equivariant."""

import math

import pytest
import torch
from torch import Tensor, nn

from orbicyte.harmonic import (
    Fields,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    MagnitudeReLU,
    assert_equivariant,
    equivariance_error,
)
from orbicyte.harmonic.equivariance import (
    compilation_error,
    mean_square_gain,
    movement_over_spread,
    rotated,
    synthetic_inputs,
)


def convolutions(*after: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(HarmonicConv2d("3x0", "4x0 + 2x1"), MagnitudeReLU("4x0 + 2x1"), *after)


def test_rotated_inputs_match_inputs_made_in_rotated_position() -> None:
    """At 90°, including phases."""
    for fields in ("2x0", "2x0 + 1x1 + 1x-2"):
        quarter = synthetic_inputs(fields, 24, math.pi / 2)
        expected = (
            rotated(synthetic_inputs(fields, 24), fields, math.pi / 2)
            if fields != "2x0"
            else synthetic_inputs(fields, 24).rot90(1, (2, 3))
        )
        assert torch.allclose(quarter, expected, atol=1e-5)
    assert synthetic_inputs("2x0", 24).shape == (4, 2, 24, 24)
    assert synthetic_inputs("2x1", 24).shape == (4, 4, 24, 24)


def test_maps_rotated_by_other_angles_are_close_to_inputs_made_in_rotated_position() -> None:
    moved = rotated(synthetic_inputs("2x1 + 1x2", 32), "2x1 + 1x2", 0.5) - synthetic_inputs("2x1 + 1x2", 32, 0.5)
    assert movement_over_spread(moved, synthetic_inputs("2x1 + 1x2", 32)) < 0.03


def test_a_harmonic_module_passes_and_its_errors_are_returned_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    errors = assert_equivariant(convolutions(), "3x0", "4x0 + 2x1", bound=0.1)
    assert set(errors) == set(range(15, 360, 15))
    assert max(errors[a] for a in (90, 180, 270)) < 1e-5 < max(errors.values())
    printed = capsys.readouterr().out
    assert "3x0 -> 4x0 + 2x1, multiples of 90°: at most" in printed
    assert "other angles: at most" in printed


@pytest.mark.parametrize(
    ("module", "fields_out"),
    [
        (nn.Conv2d(3, 4, 5, padding=2), "4x0"),
        (convolutions(nn.MaxPool2d(2)), "4x0 + 2x1"),
        (convolutions(nn.AvgPool2d(3, 2, 1)), "4x0 + 2x1"),
        (convolutions(nn.ReLU()), "4x0 + 2x1"),
        (convolutions(), "4x0 + 2x2"),  # an order that is not the module's
    ],
    ids=["plain convolution", "max pooling", "odd blur at stride 2", "ReLU of parts", "wrong order"],
)
def test_a_module_that_is_not_equivariant_fails_with_the_angle(module: nn.Module, fields_out: str) -> None:
    with pytest.raises(AssertionError, match=r"not equivariant: 3x0 -> .* \(bound 1e-05\), at \d+°"):
        assert_equivariant(module, "3x0", fields_out, bound=10)


def test_the_bound_applies_at_other_angles() -> None:
    """A symmetric square filter is exact at multiples of 90°, but not at other angles."""

    def square(x: Tensor) -> Tensor:
        kernel = torch.zeros(1, 1, 7, 7)
        kernel[..., 0, 0] = kernel[..., 0, -1] = kernel[..., -1, 0] = kernel[..., -1, -1] = 1
        return torch.conv2d(x, kernel, padding=3)

    assert_equivariant(square, "1x0", "1x0", bound=10, size_px=24)
    with pytest.raises(AssertionError, match="other angles"):
        assert_equivariant(square, "1x0", "1x0", bound=0.02, size_px=24)


def test_a_module_in_training_mode_is_measured_in_evaluation_mode_and_restored() -> None:
    norm = HarmonicBatchNorm2d("2x1")
    module = nn.Sequential(HarmonicConv2d("1x0", "2x1").eval(), norm)
    assert_equivariant(module, "1x0", "2x1")
    assert (module[0].training, norm.training) == (False, True)
    assert torch.equal(norm.mean_square, torch.ones(2))


def test_a_constant_module_is_an_error() -> None:
    with pytest.raises(ValueError, match="has the same output for every input"):
        assert_equivariant(lambda x: torch.ones(len(x), 2), "1x0", "2x0")


def test_vectors_are_compared_without_a_map() -> None:
    def read_out(x: Tensor) -> Tensor:
        return Fields("4x0 + 2x1").magnitude(convolutions()(x)).mean((2, 3))

    assert_equivariant(read_out, "3x0", "6x0", bound=0.1)
    assert equivariance_error(lambda x: x.mean((2, 3)), "2x1", "2x1", 45) < 0.01
    assert equivariance_error(lambda x: x.mean((2, 3)), "2x1", "2x2", 45) > 0.5


def test_a_layer_that_changes_the_mean_square_is_not_normalised() -> None:
    class Doubled(HarmonicConv2d):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    torch.manual_seed(0)
    assert mean_square_gain(nn.Identity(), "3x0", "3x0") == pytest.approx(1, rel=0.05)
    assert mean_square_gain(nn.Identity(), "3x1", "3x1") == pytest.approx(1, rel=0.05)
    assert_equivariant(HarmonicConv2d("2x1", "8x1"), "2x1", "8x1", normalised=1.5)
    with pytest.raises(AssertionError, match=r"not normalised: outputs have a mean square of \d"):
        assert_equivariant(Doubled("2x1", "8x1"), "2x1", "8x1", normalised=1.5)


def test_a_module_that_differs_if_compiled_is_an_error() -> None:
    class Differing(HarmonicConv2d):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x)
            return out * 1.01 if torch.compiler.is_compiling() else out

    with pytest.raises(AssertionError, match=r"compiled with aot_eager, the module differs by 0\.01 of its"):
        assert_equivariant(Differing("2x1", "2x1"), "2x1", "2x1", compiled="aot_eager")
    with pytest.raises(ValueError, match=r"only a torch.nn.Module can be compiled"):
        assert_equivariant(lambda x: x, "2x1", "2x1", compiled="aot_eager")


def test_many_modules_of_one_class_can_be_compiled() -> None:
    for channels in range(1, 10):
        assert compilation_error(HarmonicConv2d("1x0", f"{channels}x1"), "1x0", 8, "aot_eager") < 1e-4
