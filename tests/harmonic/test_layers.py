"""Properties of every layer that keeps fields; the file of each layer tests its own properties."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    FourierReLU,
    GaussianBlur2d,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicReLU,
    HarmonicResidualBlock,
    HarmonicSequential,
    MagnitudeGate,
    MagnitudeReLU,
    assert_equivariant,
)
from orbicyte.harmonic.equivariance import compilation_error

FIELDS, WIDER, CIRCLE = "3x0 + 2x1 + 2x-2", "4x0 + 3x1 + 2x-2", "2x0 + 2x1 + 2x-1 + 2x2 + 2x-2"


@dataclass(frozen=True)
class Layer:
    """How a layer is made, its fields, whether it is pointwise or isotropic, and bounds for its properties."""

    make: Callable[[], nn.Module]
    before: str = FIELDS
    after: str = FIELDS
    is_local: bool = True
    gain: float | None = 1.2
    bound: float = 0.1


LAYERS = {
    "conv": Layer(lambda: HarmonicConv2d(FIELDS, WIDER), after=WIDER, is_local=False, gain=1.5),
    "norm": Layer(lambda: HarmonicBatchNorm2d(FIELDS)),
    "relu of magnitudes": Layer(lambda: MagnitudeReLU(FIELDS), gain=None),
    "gate": Layer(lambda: MagnitudeGate(FIELDS)),
    "relu": Layer(lambda: HarmonicReLU(FIELDS), gain=None),
    "fourier": Layer(lambda: FourierReLU(CIRCLE), CIRCLE, CIRCLE, is_local=False, gain=None, bound=0.15),
    "pool 4": Layer(lambda: AveragePool2d(4), gain=None),
    "pool 2": Layer(lambda: AveragePool2d(2), gain=None),
    "blur": Layer(lambda: GaussianBlur2d(1.0), gain=None),
    "residual": Layer(
        lambda: HarmonicResidualBlock(FIELDS, WIDER, activation=MagnitudeGate), after=WIDER, is_local=False, gain=3.0
    ),
    "residual, opposite": Layer(
        lambda: HarmonicResidualBlock(FIELDS, FIELDS, 7, branch_order=2), is_local=False, gain=None
    ),
    "sequential": Layer(
        lambda: HarmonicSequential(
            HarmonicConv2d(FIELDS, WIDER), HarmonicBatchNorm2d(WIDER), MagnitudeGate(WIDER), AveragePool2d()
        ),
        after=WIDER,
        is_local=False,
        gain=None,
    ),
}


def start(name: str) -> nn.Module:
    """The layer at initialisation, in evaluation mode."""
    torch.manual_seed(0)
    return LAYERS[name].make().eval()


def made(name: str) -> nn.Module:
    """The layer with parameters and running statistics changed from their initial values."""
    layer = start(name).train()
    for _ in range(5):
        layer(torch.randn(4, Fields(LAYERS[name].before).channels, 16, 16))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return layer.eval()


def fields_in(name: str, seed: int = 1, size_px: int = 16) -> torch.Tensor:
    """White fields for the layer."""
    random = torch.Generator().manual_seed(seed)
    return torch.randn(2, Fields(LAYERS[name].before).channels, size_px, size_px, generator=random)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_equivariant_and_the_same_if_compiled(name: str) -> None:
    layer = LAYERS[name]
    assert_equivariant(made(name), layer.before, layer.after, bound=layer.bound, compiled="aot_eager")


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_training_has_the_same_gradients(name: str) -> None:
    assert compilation_error(made(name).train(), LAYERS[name].before, 16, "aot_eager") < 1e-4


@pytest.mark.parametrize("name", [name for name in LAYERS if LAYERS[name].gain])
def test_layer_keeps_the_mean_square_at_initialisation(name: str) -> None:
    layer = LAYERS[name]
    assert_equivariant(start(name).train(), layer.before, layer.after, bound=0.2, normalised=layer.gain)


@pytest.mark.parametrize("name", [name for name in LAYERS if LAYERS[name].is_local])
def test_phase_factors_commute_with_the_layer(name: str) -> None:
    """Fields times e^{i m phi} without rotation of the map: these layers are pointwise or isotropic."""
    x, layer, fields = fields_in(name), made(name), Fields(FIELDS)
    assert torch.allclose(layer(fields.phased(x, 0.7)), fields.phased(layer(x), 0.7), atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_zero_stays_zero(name: str) -> None:
    """0 outside the cell stays 0, so zero padding continues the background at every depth."""
    assert not made(name)(torch.zeros_like(fields_in(name))).any()


@pytest.mark.parametrize("name", LAYERS)
def test_memory_layout_does_not_change_results(name: str) -> None:
    layer, x = made(name).train(), fields_in(name, seed=2)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        out = layer(given)
        (out * torch.arange(out[0].numel()).view_as(out[:1])).sum().backward()
        assert given.grad is not None
        results.append((out.detach(), given.grad))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


@pytest.mark.parametrize("name", LAYERS)
def test_inputs_are_never_overwritten(name: str) -> None:
    layer, x = made(name), fields_in(name)
    given = x.clone()
    with torch.no_grad():
        first = layer(x)
        assert torch.equal(x, given)
        assert torch.equal(layer(x), first)


@pytest.mark.parametrize("is_training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
def test_second_derivatives_match_finite_differences(name: str, is_training: bool) -> None:
    layer = made(name).double().train(is_training)
    x = fields_in(name, size_px=4).double().requires_grad_()
    still = copy.deepcopy(dict(layer.named_buffers()))
    names = [key for key, _ in layer.named_parameters()]

    def output(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        values = dict(zip(names, parameters, strict=True)) | {key: value.clone() for key, value in still.items()}
        found: torch.Tensor = torch.func.functional_call(layer, values, (x,))
        return found[..., :2, :2]

    parameters = tuple(layer.parameters())
    assert torch.autograd.gradcheck(output, (x, *parameters), fast_mode=True)
    assert torch.autograd.gradgradcheck(output, (x, *parameters), fast_mode=True)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_for_second_derivatives_are_the_ordinary_ones(name: str) -> None:
    """Also where inputs depend on each other: the same layer twice, and a layer whose input is computed."""
    layer, x = made(name).train(), fields_in(name).requires_grad_()
    is_square = LAYERS[name].before == LAYERS[name].after and "pool" not in name
    found = []
    for create_graph in (False, True):
        out = layer(layer(1.3 * x)) if is_square else layer(1.3 * x)
        weights = torch.arange(out.numel()).view_as(out).cos()
        found.append(torch.autograd.grad((out * weights).sum(), [x, *layer.parameters()], create_graph=create_graph))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch's exporter
@pytest.mark.parametrize("name", LAYERS)
def test_layer_can_be_exported_to_onnx(name: str, tmp_path: Path) -> None:
    layer, x, file = made(name), fields_in(name), tmp_path / "layer.onnx"
    torch.onnx.export(layer, (x,), str(file), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        assert np.allclose(found, layer(x).numpy(), atol=1e-4)


def test_a_network_compiles_without_graph_breaks_and_has_the_same_gradients() -> None:
    torch.manual_seed(0)
    network = HarmonicSequential(
        HarmonicConv2d("3x0", FIELDS), HarmonicBatchNorm2d(FIELDS), HarmonicReLU(FIELDS), made("residual")
    )
    assert compilation_error(network.train(), "3x0", 12, "aot_eager") < 1e-4


@pytest.mark.parametrize("name", [name for name in LAYERS if "pool" not in name and name != "blur"])
def test_wrong_channels_are_an_error_with_the_fields(name: str) -> None:
    fields = Fields(LAYERS[name].before)
    with pytest.raises(ValueError, match=re.escape(f"expected {fields.channels} channels for the fields {fields}")):
        made(name)(torch.zeros(1, 7, 16, 16))
