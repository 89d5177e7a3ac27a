"""The assertion itself: it must fail where it should."""

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
from orbicyte.harmonic.equivariance import drawn, movement_over_spread, turned


def convolutions(*after: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(HarmonicConv2d("3x0", "4x0 + 2x1"), MagnitudeReLU("4x0 + 2x1"), *after)


def test_inputs_are_drawn_turned() -> None:
    """A quarter turn of the drawing is the drawing of a quarter turn, phases included."""
    for fields in ("2x0", "2x0 + 1x1 + 1x-2"):
        quarter = drawn(fields, 24, math.pi / 2)
        expected = (
            turned(drawn(fields, 24), fields, math.pi / 2) if fields != "2x0" else drawn(fields, 24).rot90(1, (2, 3))
        )
        assert torch.allclose(quarter, expected, atol=1e-5)
    assert drawn("2x0", 24).shape == (4, 2, 24, 24)
    assert drawn("2x1", 24).shape == (4, 4, 24, 24)


def test_a_turn_of_maps_at_other_angles_is_nearly_the_drawing() -> None:
    moved = turned(drawn("2x1 + 1x2", 32), "2x1 + 1x2", 0.5) - drawn("2x1 + 1x2", 32, 0.5)
    assert movement_over_spread(moved, drawn("2x1 + 1x2", 32)) < 0.03


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
    ids=["plain convolution", "maximum", "odd blur at stride 2", "ReLU of parts", "wrong order"],
)
def test_a_module_that_is_not_fails_with_the_angle(module: nn.Module, fields_out: str) -> None:
    with pytest.raises(AssertionError, match=r"not equivariant: 3x0 -> .* \(bound 1e-05\), at \d+°"):
        assert_equivariant(module, "3x0", fields_out, bound=10)


def test_the_bound_at_other_angles_counts() -> None:
    """Exact at multiples of 90°, as any symmetric square filter, and not between them."""

    def square(x: Tensor) -> Tensor:
        kernel = torch.zeros(1, 1, 7, 7)
        kernel[..., 0, 0] = kernel[..., 0, -1] = kernel[..., -1, 0] = kernel[..., -1, -1] = 1
        return torch.conv2d(x, kernel, padding=3)

    assert_equivariant(square, "1x0", "1x0", bound=10, size_px=24)
    with pytest.raises(AssertionError, match="other angles"):
        assert_equivariant(square, "1x0", "1x0", bound=0.02, size_px=24)


def test_a_module_in_training_is_measured_at_rest_and_left_as_it_was() -> None:
    norm = HarmonicBatchNorm2d("2x1")
    module = nn.Sequential(HarmonicConv2d("1x0", "2x1").eval(), norm)
    assert_equivariant(module, "1x0", "2x1")
    assert (module[0].training, norm.training) == (False, True)
    assert torch.equal(norm.mean_square, torch.ones(2))


def test_a_module_that_says_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="gives every input the same"):
        assert_equivariant(lambda x: torch.ones(len(x), 2), "1x0", "2x0")


def test_vectors_are_compared_without_a_map() -> None:
    def read_out(x: Tensor) -> Tensor:
        return Fields("4x0 + 2x1").magnitude(convolutions()(x)).mean((2, 3))

    assert_equivariant(read_out, "3x0", "6x0", bound=0.1)
    assert equivariance_error(lambda x: x.mean((2, 3)), "2x1", "2x1", 45) < 0.01
    assert equivariance_error(lambda x: x.mean((2, 3)), "2x1", "2x2", 45) > 0.5
