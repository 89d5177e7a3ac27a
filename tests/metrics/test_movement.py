from collections.abc import Callable

import numpy as np
import pytest

from orbicyte.metrics.evidence import Evidence
from orbicyte.metrics.movement import measure, movement, standardised


def test_invariant_is_zero(make_evidence: Callable[..., Evidence]) -> None:
    scores = {s.measure: s.value for s in measure(make_evidence())}
    assert scores["movement/raw"] == scores["movement/standardised"] == scores["movement/dropped_dimensions"] == 0


def test_replacing_the_cell_by_another_is_root_two() -> None:
    z = np.random.default_rng(0).normal(size=(3, 5000, 8)).astype(np.float32)
    np.testing.assert_allclose(movement(z), [0, 2**0.5, 2**0.5], rtol=0.02)


def test_a_representation_that_rotates_with_the_cell(make_evidence: Callable[..., Evidence]) -> None:
    """Points on the unit circle rotated by phi move by 2 sin(phi / 2) and have spread 1."""
    angles_deg = np.arange(8) * 45.0
    place = np.deg2rad(np.arange(12) * 30 + angles_deg[:, None])
    evidence = make_evidence(mean=np.stack((np.cos(place), np.sin(place)), -1).astype(np.float32))
    scores = {(s.measure, s.angle_deg): s.value for s in measure(evidence)}
    expected = 2 * np.abs(np.sin(np.deg2rad(angles_deg) / 2))
    for angle_deg, value in zip(angles_deg, expected, strict=True):
        assert scores["movement/raw", angle_deg] == pytest.approx(value, abs=1e-6)
    assert scores["movement/raw", None] == pytest.approx(np.sqrt(np.mean(expected[1:] ** 2)))
    assert scores["movement/raw/multiples_of_90", None] == pytest.approx(np.sqrt(8 / 3))
    assert scores["movement/raw/other_angles", None] == pytest.approx(np.sqrt(2))


def test_standardised_does_not_depend_on_the_scale_of_a_dimension_and_drops_unused_ones() -> None:
    z = np.random.default_rng(0).normal(size=(4, 200, 3)).astype(np.float32)
    scaled = z * np.array([1.0, 30.0, 0.01], np.float32)
    assert standardised(scaled).shape[-1] == 2
    np.testing.assert_allclose(movement(standardised(scaled)), movement(standardised(z[..., :2])), rtol=1e-5)
    assert np.abs(movement(scaled) - movement(standardised(scaled)))[1:].min() > 1e-3


def test_collapsed_is_nan(make_evidence: Callable[..., Evidence]) -> None:
    scores = {s.measure: s.value for s in measure(make_evidence(mean=np.full((8, 12, 4), 0.1, np.float32)))}
    assert np.isnan(scores["movement/raw"])
    assert np.isnan(scores["movement/standardised"])
    assert scores["movement/dropped_dimensions"] == 4
