import pytest
import torch

from orbicyte.harmonic import Fields, MagnitudeReLU

FIELDS = Fields("1x0 + 2x1")


def test_magnitudes_are_shifted_and_clipped_at_0_and_phases_kept() -> None:
    layer = MagnitudeReLU(FIELDS, bias=-1.0, eps=0.0)
    out = layer(torch.tensor([[3.0, 0.3, -1.2, 4.0, 0.4, 1.6]]))  # magnitudes 5, 0.5, 2
    assert out[0].tolist() == pytest.approx([3 * 4 / 5, 0, -0.6, 4 * 4 / 5, 0, 0.8])


def test_gradient_matches_the_formula() -> None:
    layer = MagnitudeReLU(FIELDS, bias=-0.4).double()
    x = torch.randn(2, 6, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, bias: torch.func.functional_call(layer, {"bias": bias}, (x,)), (x, layer.bias)
    )


@pytest.mark.parametrize("bias", [-0.4, 0.3])
def test_a_field_of_0_has_a_finite_gradient(bias: float) -> None:
    x = torch.zeros(1, 6, 2, 2, requires_grad=True)
    MagnitudeReLU(FIELDS, bias=bias)(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_compiled_and_exported_layers_give_the_same_output() -> None:
    layer = MagnitudeReLU(FIELDS)
    x = torch.randn(2, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    exported = torch.export.export(layer, (x,)).module()
    assert torch.allclose(exported(x), layer(x), atol=1e-6)
