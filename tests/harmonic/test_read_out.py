import torch

from orbicyte.harmonic import HarmonicConv2d, HarmonicSequential, InvariantMean, MagnitudeGate, assert_equivariant

FIELDS = "3x0 + 2x1 + 2x-2"


def test_features_are_invariant_and_as_many_as_announced() -> None:
    torch.manual_seed(0)
    read_out = InvariantMean(FIELDS)
    network = HarmonicSequential(HarmonicConv2d("2x0", FIELDS), MagnitudeGate(FIELDS), read_out)
    assert read_out.features == 10
    assert network(torch.rand(4, 2, 16, 16)).shape == (4, 10)
    assert_equivariant(network, "2x0", "10x0", bound=0.05, compiled="aot_eager")


def test_gradients_are_finite_where_fields_are_0() -> None:
    x = torch.zeros(1, 14, 4, 4, requires_grad=True)
    InvariantMean(FIELDS)(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
