import numpy as np
import pytest

from orbicyte.statistics.holm import holm


def test_known_answers() -> None:
    """Of four tests: 4 x .005, 3 x .01, 2 x .03, and 1 x .04, which may not be smaller than the one before."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1, 1])
    assert holm(np.array([0.02])) == pytest.approx(0.02)
    assert len(holm(np.array([]))) == 0


def test_a_false_rejection_among_all_tests_is_rare() -> None:
    p = np.random.default_rng(0).uniform(size=(4000, 9))
    rejected = np.array([(holm(row) < 0.05).any() for row in p]).mean()
    assert 0.035 < rejected < 0.06
