import copy
import math

import pytest
import torch

from orbicyte.harmonic import Fields, HarmonicConv2d, Rings, assert_equivariant

PAIRS = [
    ("3x0", "4x0 + 3x1 + 2x2", 5, 0.05),
    ("3x0", "4x2", 5, 0.1),
    ("3x0", "4x2", 7, 0.08),
    ("2x0 + 3x1 + 2x-2", "2x-1 + 3x2 + 1x0", 5, 0.1),
    ("2x1", "3x1", 3, 0.05),
    ("2x-3", "2x-1", 7, 0.1),
    ("2x0", "2x3", 7, 0.15),
]


def made(before: str, after: str, rings: int | Rings = 5) -> HarmonicConv2d:
    torch.manual_seed(0)
    return HarmonicConv2d(before, after, rings)


@pytest.mark.parametrize(("before", "after", "kernel_size", "bound"), PAIRS)
def test_harmonic_convolution_is_equivariant(before: str, after: str, kernel_size: int, bound: float) -> None:
    assert_equivariant(made(before, after, kernel_size), before, after, bound=bound)


def test_it_prints_its_fields() -> None:
    assert repr(made("3x0", "16x0 + 8x2")) == "HarmonicConv2d(3x0 -> 16x0 + 8x2)"


def test_output_is_the_complex_convolution_with_the_filter_of_the_paper() -> None:
    """W_m = R(r) e^{i (m theta + beta)}, applied by complex multiplication (paper 2.3)."""
    conv = made("1x0 + 1x1", "1x1")
    x = torch.randn(1, 4, 9, 9, generator=torch.Generator().manual_seed(1))
    fields = torch.complex(x[:, :2], x[:, 2:])
    radial_of_0, radial_of_1 = conv.profile[:2], conv.profile[2:]  # frequency 1 has rings 1 and 2; 0 has three
    expected = torch.zeros(1, 1, 9, 9, dtype=torch.complex64)
    for i, (frequency, radial) in enumerate(((1, radial_of_0), (0, radial_of_1))):
        basis = Rings(5).basis(frequency).to(torch.complex64)
        kernel = torch.einsum("r,rij->ij", radial.to(torch.complex64), basis)
        kernel = kernel * torch.exp(1j * conv.phase[0, i])
        expected = expected + torch.conv2d(fields[:, i : i + 1], kernel[None, None], padding=2)
    got = conv(x)
    assert torch.allclose(torch.complex(got[:, :1], got[:, 1:]), expected, atol=1e-5)


def test_real_images_are_fields_without_an_imaginary_part() -> None:
    conv = made("3x0", "2x0 + 2x1")
    images = torch.rand(2, 3, 12, 12)
    assert torch.allclose(conv(images), conv(Fields("3x0").lifted(images)), atol=1e-6)


def test_distant_orders_are_connected_only_if_there_is_no_nearer_order() -> None:
    """0 -> 3 is omitted if there is 1 -> 3."""
    conv = made("1x0 + 1x1", "1x3")
    weight = conv.weight().detach()
    assert not weight[:, [0, 2]].any()
    assert weight[:, [1, 3]].any()


@pytest.mark.parametrize(("before", "after", "kernel_size"), [("2x0", "2x3", 5), ("2x0", "2x1", 1), ("1x-2", "1x2", 5)])
def test_a_kernel_too_small_for_a_change_of_order_is_an_error(before: str, after: str, kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"a {kernel_size} px kernel has no ring .*{before} -> {after}.*larger kernel"):
        made(before, after, kernel_size)


def test_wrong_channels_are_an_error_with_the_fields() -> None:
    with pytest.raises(ValueError, match="expected 6 channels for the fields 3x0, or 3 real ones"):
        made("3x0", "2x1")(torch.zeros(1, 4, 8, 8))


def test_variance_of_noise_is_preserved() -> None:
    torch.manual_seed(3)
    x = torch.randn(4, 64, 16, 16)
    out = HarmonicConv2d("16x0 + 8x1 + 8x2", "16x0 + 8x1 + 8x2")(x)[..., 2:-2, 2:-2]
    assert float(out.detach().var()) == pytest.approx(1, rel=0.25)


def test_filters_are_built_once_without_gradients_and_again_when_parameters_change() -> None:
    conv = made("2x0", "3x1").eval()
    with torch.no_grad():
        first = conv.weight()
        assert conv.weight() is first
        conv.profile.mul_(2)
        assert torch.allclose(conv.weight(), 2 * first)
        other = copy.deepcopy(conv)
        other.load_state_dict({"profile": conv.profile / 2, "phase": conv.phase})
        assert torch.allclose(other.weight(), first)
        halves = copy.deepcopy(conv).bfloat16()
        assert halves.weight().dtype == torch.bfloat16
    assert conv.weight().requires_grad  # not the cached one
    with torch.inference_mode():
        assert torch.allclose(made("2x0", "3x1").weight(), first)


def test_training_mode_discards_filters_even_if_parameters_change_without_a_version() -> None:
    """A fused optimiser and ``.data`` change values without increasing the version counter."""
    conv = made("2x0", "3x1").eval()
    with torch.no_grad():
        first = conv.weight()
        conv.profile.data.mul_(2)
        assert torch.allclose(conv.train().weight(), 2 * first)
        assert torch.allclose(conv.eval().weight(), 2 * first)


def test_filters_built_in_mixed_precision_can_be_used_in_full_precision() -> None:
    conv = made("2x0", "3x1").eval()
    x = torch.rand(1, 2, 8, 8)
    with torch.no_grad():
        expected = copy.deepcopy(conv)(x)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.allclose(conv(x).float(), expected, atol=0.05)
        assert torch.equal(conv(x), expected)


def test_all_parameters_have_a_gradient_in_double_precision() -> None:
    conv = made("1x0 + 1x1", "1x1 + 1x2", 3).double()
    x = torch.randn(1, 4, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda profile, phase, x: torch.func.functional_call(conv, {"profile": profile, "phase": phase}, (x,)),
        (conv.profile, conv.phase, x),
    )


def test_a_phase_of_the_filter_is_a_phase_of_the_output() -> None:
    conv = made("2x0", "3x2")
    x = torch.rand(1, 2, 10, 10)
    before = conv(x)
    with torch.no_grad():
        conv.phase.add_(math.pi / 3)
    assert torch.allclose(conv(x), Fields("3x1").phased(before, math.pi / 3), atol=1e-5)
