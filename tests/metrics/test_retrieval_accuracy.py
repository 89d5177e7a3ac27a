from collections.abc import Callable

import numpy as np
import pytest

from orbicyte.metrics import retrieval_accuracy as module
from orbicyte.metrics.evidence import Evidence
from orbicyte.metrics.retrieval_accuracy import measure, retrieved


def test_invariant_is_one_and_collapsed_is_chance(make_evidence: Callable[..., Evidence]) -> None:
    invariant = {s.measure: s.value for s in measure(make_evidence())}
    assert invariant["retrieval_accuracy"] == 1
    assert invariant["retrieval_accuracy/cells"] == 12
    collapsed = {s.measure: s.value for s in measure(make_evidence(mean=np.full((8, 12, 4), 0.7, np.float32)))}
    assert collapsed["retrieval_accuracy"] == pytest.approx(1 / 12)


def test_random_is_about_chance() -> None:
    z = np.random.default_rng(0).normal(size=(2, 500, 3)).astype(np.float32)
    assert retrieved(z[1], z[0]).mean() < 0.02


def test_known_neighbours_and_ties() -> None:
    at_zero = np.array([[0.0], [1.0], [1.0], [5.0]], np.float32)
    rotated = np.array([[0.4], [1.1], [0.2], [4.0]], np.float32)
    np.testing.assert_allclose(retrieved(rotated, at_zero), [1, 0.5, 0, 1])


def test_blocks_give_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    rotated = z + np.random.default_rng(1).normal(0, 0.5, size=z.shape).astype(np.float32)
    whole = retrieved(rotated, z)
    assert 0 < whole.mean() < 1
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(retrieved(rotated, z), whole)


def test_multiples_of_90_are_separate(make_evidence: Callable[..., Evidence]) -> None:
    mean = np.repeat(np.arange(12.0)[None, :, None], 8, 0)
    mean[1::2] += 1
    scores = {s.measure: s.value for s in measure(make_evidence(mean=mean.astype(np.float32)))}
    assert scores["retrieval_accuracy/multiples_of_90"] == 1
    assert scores["retrieval_accuracy/other_angles"] == pytest.approx(1 / 12)
    assert scores["retrieval_accuracy"] == pytest.approx((3 + 4 / 12) / 7)
