import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import beta

from orbicyte.classification.counting import Classified, corrected, naive

TYPES = 4
FEW = st.integers(0, 40)
COUNTS = arrays(np.int64, TYPES, elements=st.integers(0, 60))
Counts = NDArray[np.int64]


def classified(random: np.random.Generator, true: Counts, rates: NDArray[np.float64]) -> Counts:
    """Cells by true type and by the type that a classifier of these rates predicts: (K, J)."""
    return np.array([random.multinomial(cells, row) for cells, row in zip(true, rates, strict=True)])


def test_intervals_have_their_nominal_coverage_and_the_naive_ones_do_not() -> None:
    """200 slides of 300 cells, a classifier with 80 % accuracy, its errors estimated on 400 labelled cells."""
    random = np.random.default_rng(0)
    held, held_naive, away, away_naive = [], [], [], []
    for slide in range(200):
        rates = 0.8 * np.eye(TYPES) + 0.2 * random.dirichlet(np.full(TYPES, 0.5), TYPES)
        confusion = classified(random, np.full(TYPES, 100), rates)
        share = random.dirichlet(np.full(TYPES, 0.7))
        none = np.zeros(TYPES, dtype=np.int64)
        predicted = classified(random, random.multinomial(300, share), rates).sum(0)
        ours = corrected(none, [Classified(predicted, confusion)], slide, chains=40)
        plain = naive(none, predicted, slide)
        held.append((ours.low <= share) & (share <= ours.high))
        held_naive.append((plain.low <= share) & (share <= plain.high))
        rare = share < 0.1
        away.append((ours.share - share)[rare])
        away_naive.append((plain.share - share)[rare])
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(held_naive) < 0.6
    assert np.mean(np.concatenate(away_naive)) > 0.03  # errors on frequent types inflate rare ones
    assert abs(np.mean(np.concatenate(away))) < 0.01


def test_intervals_of_ten_types_have_their_coverage_with_few_labelled_cells_of_rare_types() -> None:
    """60 slides of 500 cells, a classifier with 80 % accuracy, estimated on 150 labelled cells, two per rare type."""
    random = np.random.default_rng(1)
    share = np.array([0.03, 0.1, 0.12, 0.12, 0.22, 0.04, 0.005, 0.03, 0.12, 0.215])
    labelled, none = np.rint(150 * share).astype(int).clip(2), np.zeros(10, dtype=np.int64)
    held = []
    for slide in range(60):
        rates = 0.8 * np.eye(10) + 0.2 * random.dirichlet(np.full(10, 0.3), 10)
        predicted = classified(random, random.multinomial(500, share), rates).sum(0)
        found = corrected(none, [Classified(predicted, classified(random, labelled, rates))], slide, chains=25)
        held.append((found.low <= share) & (share <= found.high))
    assert 0.9 <= np.mean(held) <= 0.99


def out_of_distribution_slides(share_outside: float, labelled_outside: int) -> tuple[float, float, float]:
    """Coverage and mean width of the intervals, and coverage if all cells had the errors of those within distribution.

    40 slides of 300 cells and four types. The classifier is right for 80 % of the cells within the distribution, whose
    errors are estimated on 400 labelled cells; for those outside, it predicts types at random, with the same
    probabilities whatever the type, and they have a mixture of types of their own.
    """
    random = np.random.default_rng(2)
    none, held, held_alike, widths = np.zeros(TYPES, dtype=np.int64), [], [], []
    for slide in range(40):
        rates = 0.8 * np.eye(TYPES) + 0.2 * random.dirichlet(np.full(TYPES, 0.5), TYPES)
        chance = np.tile(random.dirichlet(np.ones(TYPES)), (TYPES, 1))
        confusion = classified(random, np.full(TYPES, 100), rates)
        confusion_outside = classified(random, np.full(TYPES, labelled_outside // TYPES), chance)
        mixtures = random.dirichlet(np.full(TYPES, 0.7), 2)
        outside = random.binomial(300, share_outside)
        within = classified(random, random.multinomial(300 - outside, mixtures[0]), rates).sum(0)
        beyond = classified(random, random.multinomial(outside, mixtures[1]), chance).sum(0)
        share = (1 - share_outside) * mixtures[0] + share_outside * mixtures[1]
        groups = [Classified(within, confusion), Classified(beyond, confusion_outside)]
        found = corrected(none, groups, slide, chains=20)
        alike = corrected(none, [Classified(within + beyond, confusion)], slide, chains=20)
        held.append((found.low <= share) & (share <= found.high))
        held_alike.append((alike.low <= share) & (share <= alike.high))
        widths.append(found.high - found.low)
    return float(np.mean(held)), float(np.mean(widths)), float(np.mean(held_alike))


def test_intervals_widen_with_the_share_out_of_distribution_and_keep_their_coverage() -> None:
    found = [out_of_distribution_slides(share, labelled_outside=0) for share in (0.0, 0.1, 0.3, 0.6)]
    assert all(0.88 <= coverage <= 0.99 for coverage, _, _ in found)
    widths = [width for _, width, _ in found]
    assert widths == sorted(widths)
    assert widths[-1] > 3 * widths[0]
    assert found[-1][2] < 0.6  # with the errors of cells within the distribution


def test_labelled_cells_out_of_distribution_narrow_the_intervals() -> None:
    (coverage, width, _), (_, without, _) = (out_of_distribution_slides(0.4, labels) for labels in (200, 0))
    assert 0.85 <= coverage <= 0.99
    assert width < without


def test_nothing_changes_if_no_cell_is_out_of_distribution() -> None:
    labelled, group = np.array([3, 4]), Classified(np.array([50, 20]), np.array([[9, 1], [2, 8]]))
    nobody = Classified(np.zeros(2, dtype=np.int64), np.array([[1, 5], [0, 2]]))
    alone, both = corrected(labelled, [group], 5), corrected(labelled, [group, nobody], 5)
    np.testing.assert_array_equal([alone.low, alone.share, alone.high], [both.low, both.share, both.high])


def test_without_labelled_cells_like_them_cells_out_of_distribution_may_be_of_any_type() -> None:
    beyond = Classified(np.array([200, 0, 0, 0]), np.zeros((TYPES, TYPES), dtype=np.int64))
    found = corrected(np.zeros(TYPES, int), [beyond])
    assert found.low.max() < 0.05
    assert found.high.min() > 0.85


def test_with_a_perfect_classifier_it_is_the_count_with_its_multinomial_interval() -> None:
    predicted = np.array([300, 120, 60, 20])
    found = corrected(np.zeros(4, int), [Classified(predicted, np.diag([2000] * 4))])
    ends = beta.ppf([[0.025], [0.975]], predicted + 0.5, 500 - predicted + 1.5)
    np.testing.assert_allclose(found.share, predicted / 500, atol=0.005)
    np.testing.assert_allclose([found.low, found.high], ends, atol=0.006)
    plain = naive(np.zeros(4, int), predicted)
    np.testing.assert_allclose([plain.low, plain.high], ends, atol=0.004)


@given(labelled=COUNTS)
def test_labels_are_counted_unchanged(labelled: Counts) -> None:
    found = corrected(labelled, [Classified(np.zeros(TYPES, int), np.ones((TYPES, TYPES), int))])
    np.testing.assert_allclose(found.share, (labelled + 0.5) / (labelled.sum() + 2), atol=0.02)


@given(labelled=COUNTS, within=COUNTS, outside=COUNTS, confusions=arrays(np.int64, (2, TYPES, TYPES), elements=FEW))
def test_shares_add_up_and_are_within_their_intervals(
    labelled: Counts, within: Counts, outside: Counts, confusions: Counts
) -> None:
    groups = [Classified(part, errors) for part, errors in zip((within, outside), confusions, strict=True)]
    for found in (corrected(labelled, groups, chains=25), naive(labelled, within + outside)):
        assert found.share.sum() == pytest.approx(1)
        assert (found.low >= 0).all()
        assert (found.low <= found.share).all()
        assert (found.share <= found.high).all()
        assert (found.high <= 1).all()


def test_the_choice_of_labelled_cells_does_not_bias_the_count() -> None:
    """If all cells of one type are labelled first, as readers do, the classifier's count of the others is right."""
    rates = 0.85 * np.eye(3) + 0.05
    confusion = np.rint(rates * 400).astype(int)
    predicted = np.rint(np.array([0, 300, 100]) @ rates).astype(int)
    found = corrected(np.array([100, 0, 0]), [Classified(predicted, confusion)])
    np.testing.assert_allclose(found.share, [0.2, 0.6, 0.2], atol=0.03)


def test_a_type_unknown_to_the_classifier_is_counted_by_its_labels_alone() -> None:
    known = np.array([True, False, True])
    group = Classified(np.array([100, 100]), np.array([[95, 5], [5, 95]]))
    found = corrected(np.array([0, 1, 0]), [group], known=known)
    np.testing.assert_allclose(found.share, [0.497, 0.006, 0.497], atol=0.01)
    assert found.high[1] < 0.03


def test_the_same_seed_gives_the_same_numbers() -> None:
    arguments = (np.array([3, 4]), [Classified(np.array([50, 20]), np.array([[9, 1], [2, 8]]))])
    assert (corrected(*arguments, 5).low == corrected(*arguments, 5).low).all()
    assert (corrected(*arguments, 5).low != corrected(*arguments, 6).low).any()
