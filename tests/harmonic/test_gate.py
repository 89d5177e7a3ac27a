import math

import pytest
import torch

from orbicyte.harmonic import Fields, MagnitudeGate
from orbicyte.harmonic.equivariance import mean_square_gain
from orbicyte.harmonic.gate import GAIN

FIELDS = Fields("1x0 + 2x1")


def test_small_magnitudes_are_suppressed_and_phases_kept() -> None:
    out = MagnitudeGate(FIELDS)(torch.tensor([[3.0, 0.06, -1.2, 4.0, 0.08, 1.6]]))  # magnitudes 5, 0.1, 2
    gates = [25 / 26, 0.01 / 1.01, 4 / 5]
    expected = [x * GAIN * gate for x, gate in zip([3, 0.06, -1.2, 4, 0.08, 1.6], gates * 2, strict=True)]
    assert out[0].tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mean_square", [1.0, 2.0])
def test_the_mean_square_is_1_for_normal_inputs_of_the_expected_mean_square(mean_square: float) -> None:
    gate = MagnitudeGate("40x1", mean_square)
    assert mean_square_gain(lambda x: gate(x * math.sqrt(mean_square)), "40x1", "40x1") == pytest.approx(1, abs=0.02)


def test_a_threshold_of_0_passes_everything_with_a_finite_gradient() -> None:
    gate = MagnitudeGate(FIELDS)
    torch.nn.init.zeros_(gate.threshold)
    x = torch.randn(2, 6, 3, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    out = gate(x)
    out.sum().backward()
    assert torch.allclose(out, GAIN * x)
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
    assert gate.threshold.grad is not None
    assert bool(gate.threshold.grad.isfinite().all())
