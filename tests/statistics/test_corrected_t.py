import numpy as np
import pytest
from baycomp.single import CorrelatedTTest
from scipy import stats

from orbicyte.statistics.corrected_t import CorrectedT, held_out_ratio


def test_six_folds_widen_the_standard_error_as_published() -> None:
    values = np.random.default_rng(0).normal(size=6)
    corrected = CorrectedT.of(values, held_out_ratio(6)).standard_error
    assert corrected / CorrectedT.of(values, 0).standard_error == pytest.approx(1.48, abs=0.005)


@pytest.mark.parametrize("seeds", [1, 3])
def test_agrees_with_baycomp(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    one, other = random.normal(0.7, 0.02, 6 * seeds), random.normal(0.69, 0.02, 6 * seeds)
    found = CorrectedT.of(one - other, held_out_ratio(6))
    left, within, right = CorrelatedTTest.probs(one, other, rope=0.01, runs=seeds)
    assert found.probability_within(0.01) == pytest.approx(within)
    one_sided = CorrelatedTTest.probs(one, other, runs=seeds)
    assert found.p == pytest.approx(2 * min(one_sided))
    assert left + within + right == pytest.approx(1)


def test_without_a_correction_it_is_the_t_test() -> None:
    values = np.random.default_rng(1).normal(0.4, 1, 8)
    found, expected = CorrectedT.of(values, 0), stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(expected.pvalue)
    np.testing.assert_allclose(found.interval(), expected.confidence_interval())


def test_equal_values_are_certain() -> None:
    same = CorrectedT.of(np.zeros(6), 0.2)
    assert (same.p, same.interval(), same.probability_within(0.01), same.detectable) == (1, (0, 0), 1, 0)
    differs = CorrectedT.of(np.full(6, 0.5), 0.2)
    assert (differs.p, differs.interval(), differs.probability_within(0.01)) == (0, (0.5, 0.5), 0)


def test_the_detectable_difference_is_found_with_a_power_of_eight_tenths() -> None:
    """The formula with central t is approximate for six values."""
    random = np.random.default_rng(2)
    true = CorrectedT(0, (1 / 6) ** 0.5, 6).detectable
    found = [CorrectedT.of(row, 0).p < 0.05 for row in random.normal(true, 1, (2000, 6))]
    assert 0.75 < np.mean(found) < 0.87
