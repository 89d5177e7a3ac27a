"""Properties of every layer that keeps fields; the file of each layer tests its own properties."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicReLU,
    HarmonicResidualBlock,
    MagnitudeReLU,
    assert_equivariant,
)

FIELDS = "3x0 + 2x1 + 2x-2"
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "norm": lambda: HarmonicBatchNorm2d(FIELDS),
    "activation": lambda: MagnitudeReLU(FIELDS),
    "relu": lambda: HarmonicReLU(FIELDS),
    "pool 4": lambda: AveragePool2d(4),
    "pool 2": lambda: AveragePool2d(2),
    "residual": lambda: HarmonicResidualBlock(FIELDS, "4x0 + 3x1 + 2x-2"),
    "residual, opposite": lambda: HarmonicResidualBlock(FIELDS, FIELDS, 7, branch_order=2),
}


def made(name: str) -> nn.Module:
    """The layer with parameters and running statistics changed from their initial values."""
    torch.manual_seed(0)
    layer = LAYERS[name]()
    for _ in range(5):
        layer(torch.randn(4, Fields(FIELDS).channels, 16, 16))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return layer.eval()


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_equivariant(name: str) -> None:
    after = "4x0 + 3x1 + 2x-2" if name == "residual" else FIELDS
    assert_equivariant(made(name), FIELDS, after, bound=0.1)


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith("residual")])
def test_phase_factors_commute_with_the_layer(name: str) -> None:
    """Fields times e^{i m phi} without rotation of the map: these layers are pointwise or isotropic."""
    x = torch.randn(2, Fields(FIELDS).channels, 16, 16, generator=torch.Generator().manual_seed(1))
    layer, fields = made(name), Fields(FIELDS)
    assert torch.allclose(layer(fields.phased(x, 0.7)), fields.phased(layer(x), 0.7), atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_zero_stays_zero(name: str) -> None:
    """0 outside the cell stays 0, so zero padding continues the background at every depth."""
    assert not made(name)(torch.zeros(1, Fields(FIELDS).channels, 16, 16)).any()


@pytest.mark.parametrize("name", LAYERS)
def test_memory_layout_does_not_change_results(name: str) -> None:
    layer = made(name).train()
    x = torch.randn(2, Fields(FIELDS).channels, 16, 16, generator=torch.Generator().manual_seed(2))
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        out = layer(given)
        (out * torch.arange(out[0].numel()).view_as(out[:1])).sum().backward()
        assert given.grad is not None
        results.append((out.detach(), given.grad))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


def test_a_network_compiles_without_graph_breaks_and_has_the_same_gradients() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        HarmonicConv2d("3x0", FIELDS), HarmonicBatchNorm2d(FIELDS), HarmonicReLU(FIELDS), made("residual")
    )
    network.train()
    x = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    found = []
    for module in (network, torch.compile(network, backend="aot_eager", fullgraph=True)):
        network.zero_grad()
        out = module(x)
        out.square().sum().backward()
        found.append([out.detach(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith("pool")])
def test_wrong_channels_are_an_error_with_the_fields(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected 14 channels for the fields 3x0 \+ 2x1 \+ 2x-2"):
        made(name)(torch.zeros(1, 7, 16, 16))
