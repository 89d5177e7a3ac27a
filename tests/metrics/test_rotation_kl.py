from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from orbicyte.arrays import Floats
from orbicyte.metrics.evidence import Evidence
from orbicyte.metrics.rotation_kl import angle_pairs_kl, between_cells_kl, measure, symmetric_kl


def gaussians(*shape: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    return rng.normal(size=shape).astype(np.float32), rng.normal(-1, 1, size=shape).astype(np.float32)


def by_torch(mean: Floats, log_variance: Floats, i: int, j: int) -> torch.Tensor:
    p, q = (
        Independent(Normal(torch.tensor(mean[k]).double(), torch.tensor(log_variance[k]).double().div(2).exp()), 1)
        for k in (i, j)
    )
    return kl_divergence(p, q) + kl_divergence(q, p)


def test_agrees_with_torch() -> None:
    mean, log_variance = gaussians(2, 5, 3)
    expected = by_torch(mean, log_variance, 0, 1).numpy()
    actual = symmetric_kl(mean[0], log_variance[0], mean[1], log_variance[1])
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_unit_gaussians_one_apart_have_one_nat() -> None:
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    assert symmetric_kl(zero, zero, one, zero) == pytest.approx([1.0])


def test_all_pairs_of_angles() -> None:
    mean, log_variance = gaussians(4, 5, 3)
    pairs = angle_pairs_kl(mean, log_variance)
    for i, j in combinations(range(4), 2):
        assert pairs[i, j] == pytest.approx(float(by_torch(mean, log_variance, i, j).mean()), rel=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_all_pairs_of_few_cells_are_used(seed: int) -> None:
    mean, log_variance = gaussians(9, 3)
    expected = np.mean([float(by_torch(mean, log_variance, i, j)) for i, j in combinations(range(9), 2)])
    assert between_cells_kl(mean, log_variance, seed) == pytest.approx(expected, rel=1e-6)


def test_sampled_pairs_estimate_all_pairs() -> None:
    mean, log_variance = gaussians(400, 2)
    everything = symmetric_kl(mean[:, None], log_variance[:, None], mean, log_variance).sum() / (400 * 399)
    assert between_cells_kl(mean, log_variance, 0) == pytest.approx(everything, rel=0.05)


def test_invariant_is_zero_and_ratio_of_shuffled_cells_is_one(make_evidence: Callable[..., Evidence]) -> None:
    invariant = {s.measure: s.value for s in measure(make_evidence())}
    assert invariant["rotation_kl"] == invariant["rotation_kl/ratio"] == 0
    mean, log_variance = gaussians(8, 300, 4)
    random = {s.measure: s.value for s in measure(make_evidence(mean=mean, log_variance=log_variance))}
    assert random["rotation_kl/ratio"] == pytest.approx(1, rel=0.1)


def test_multiples_of_90_are_pairs_a_multiple_of_90_apart(make_evidence: Callable[..., Evidence]) -> None:
    """A representation that only separates 0, 90, 180, 270 from 45, 135, ... does not change at multiples of 90°."""
    mean = np.repeat(np.tile([0.0, 1.0], 4)[:, None, None], 12, 1).astype(np.float32)
    evidence = make_evidence(mean=mean, log_variance=np.zeros_like(mean))
    scores = {(s.measure, s.angle_deg): s.value for s in measure(evidence)}
    assert scores["rotation_kl/multiples_of_90", None] == 0
    assert scores["rotation_kl/other_angles", None] == pytest.approx(1)
    assert scores["rotation_kl", None] == pytest.approx(16 / 28)
    assert [scores["rotation_kl", a] for a in (0.0, 45.0, 90.0)] == [0, pytest.approx(1), 0]
    assert np.isnan(scores["rotation_kl/ratio", None])
