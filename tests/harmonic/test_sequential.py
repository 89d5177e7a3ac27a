import copy

import pytest
import torch
from torch import nn

from orbicyte.harmonic import (
    AveragePool2d,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicReLU,
    HarmonicSequential,
    MagnitudeGate,
    MagnitudeReLU,
    norm_and_gate,
)

FIELDS = "3x0 + 2x1"
ACTIVATIONS = {"gate": MagnitudeGate, "relu of magnitudes": MagnitudeReLU, "relu": HarmonicReLU}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("is_training", [True, False], ids=["training", "evaluation"])
def test_outputs_gradients_and_statistics_are_those_of_the_layers_alone(name: str, is_training: bool) -> None:
    torch.manual_seed(0)
    layers = [HarmonicConv2d("2x0", FIELDS), HarmonicBatchNorm2d(FIELDS), ACTIVATIONS[name](FIELDS), AveragePool2d()]
    alone, fused = nn.Sequential(*copy.deepcopy(layers)), HarmonicSequential(*copy.deepcopy(layers))
    assert alone.state_dict().keys() == fused.state_dict().keys()
    found = []
    for module in (alone.train(is_training), fused.train(is_training)):
        x = torch.randn(6, 2, 12, 12, generator=torch.Generator().manual_seed(1), requires_grad=True)
        out = module(x)
        out.square().sum().backward()
        found.append([out, x.grad, *(p.grad for p in module.parameters()), *module.buffers()])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def kept_bytes(module: nn.Module, x: torch.Tensor) -> int:
    """Memory that is kept for the backward pass, each storage once."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(x)
    return sum(kept.values())


def test_training_keeps_the_input_of_the_norm_only() -> None:
    x = torch.randn(4, 10, 32, 32, requires_grad=True)
    layers = HarmonicBatchNorm2d(FIELDS), MagnitudeGate(FIELDS)
    own = x.numel() * 4
    assert own <= kept_bytes(HarmonicSequential(*layers), x) < 1.01 * own
    assert kept_bytes(nn.Sequential(*layers), x) > 1.99 * own


def test_blocks_of_the_batch_do_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for block in (1, 700, 10**9):
        monkeypatch.setattr("orbicyte.harmonic.memory.BLOCK", block)
        torch.manual_seed(0)
        x = torch.randn(5, 10, 8, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
        skip = torch.randn(5, 10, 8, 8, generator=torch.Generator().manual_seed(2), requires_grad=True)
        norm, gate = HarmonicBatchNorm2d(FIELDS), MagnitudeGate(FIELDS)
        norm_and_gate(x, norm, gate, skip).square().sum().backward()  # type: ignore[no-untyped-call]
        results.append([x.grad, skip.grad, norm.scale.grad, gate.threshold.grad, norm.mean_square])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a is not None
            assert b is not None
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_computed_in_float32() -> None:
    x = torch.randn(4, 10, 8, 8, generator=torch.Generator().manual_seed(0))
    norm, gate = HarmonicBatchNorm2d(FIELDS), MagnitudeGate(FIELDS)
    out = norm_and_gate(x.bfloat16(), norm, gate)
    assert out.dtype == torch.bfloat16
    assert torch.allclose(out.float(), norm_and_gate(x, norm, gate), rtol=0.02, atol=0.02)


def test_hooks_on_the_norm_are_called_and_outputs_that_they_keep_are_not_overwritten() -> None:
    torch.manual_seed(0)
    network = HarmonicSequential(
        HarmonicConv2d("2x0", FIELDS), HarmonicBatchNorm2d(FIELDS), MagnitudeGate(FIELDS)
    ).eval()
    x, kept = torch.randn(2, 2, 8, 8), {}
    with torch.no_grad():
        expected = network(x)
        for name, layer in network.named_children():
            layer.register_forward_hook(lambda _, __, out, name=name: kept.update({name: (out, out.clone())}))
        assert torch.allclose(network(x), expected, atol=1e-6)
    assert kept.keys() == {"0", "1", "2"}
    assert all(torch.equal(out, copied) for out, copied in kept.values())


def test_other_fields_of_norm_and_non_linearity_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected 2 channels for the fields 1x1"):
        norm_and_gate(torch.zeros(1, 8, 4, 4), HarmonicBatchNorm2d("4x1").eval(), MagnitudeGate("1x1"))


@pytest.mark.parametrize("is_training", [True, False])
def test_a_skip_of_another_dtype_gives_the_dtype_of_the_sum(is_training: bool) -> None:
    norm, gate = HarmonicBatchNorm2d(FIELDS).train(is_training), MagnitudeGate(FIELDS)
    x, skip = torch.randn(2, 10, 4, 4), torch.randn(2, 10, 4, 4)
    with torch.no_grad():
        assert norm_and_gate(x.bfloat16(), norm, gate, skip).dtype == torch.float32
    assert norm_and_gate(x.bfloat16(), norm, gate, skip).dtype == torch.float32
