import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import beta

from orbicyte.classification.counting import corrected, naive

TYPES = 4
COUNTS = arrays(np.int64, TYPES, elements=st.integers(0, 60))
Counts = NDArray[np.int64]


def called(random: np.random.Generator, true: Counts, rates: NDArray[np.float64]) -> Counts:
    """What a classifier of these rates calls cells of true types: (K, J)."""
    return np.array([random.multinomial(cells, row) for cells, row in zip(true, rates, strict=True)])


def test_intervals_hold_the_truth_as_often_as_they_say_and_the_naive_ones_do_not() -> None:
    """200 slides of 300 cells, a classifier that is right for 80 %, known by 400 named cells."""
    random = np.random.default_rng(0)
    held, held_naive, away, away_naive = [], [], [], []
    for slide in range(200):
        rates = 0.8 * np.eye(TYPES) + 0.2 * random.dirichlet(np.full(TYPES, 0.5), TYPES)
        confusion = called(random, np.full(TYPES, 100), rates)
        share = random.dirichlet(np.full(TYPES, 0.7))
        nobody = np.zeros(TYPES, dtype=np.int64)
        predicted = called(random, random.multinomial(300, share), rates).sum(0)
        ours, plain = corrected(nobody, predicted, confusion, slide, chains=40), naive(nobody, predicted, slide)
        held.append((ours.low <= share) & (share <= ours.high))
        held_naive.append((plain.low <= share) & (share <= plain.high))
        rare = share < 0.1
        away.append((ours.share - share)[rare])
        away_naive.append((plain.share - share)[rare])
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(held_naive) < 0.6
    assert np.mean(np.concatenate(away_naive)) > 0.03  # rare types collect the errors of frequent ones
    assert abs(np.mean(np.concatenate(away))) < 0.01


def test_intervals_of_a_marrow_of_ten_types_hold_the_truth_though_few_cells_of_rare_types_have_a_name() -> None:
    """60 slides of 500 cells, a classifier that is right for 80 %, known by 150 named cells, of rare types by two."""
    random = np.random.default_rng(1)
    share = np.array([0.03, 0.1, 0.12, 0.12, 0.22, 0.04, 0.005, 0.03, 0.12, 0.215])
    named, nobody = np.rint(150 * share).astype(int).clip(2), np.zeros(10, dtype=np.int64)
    held = []
    for slide in range(60):
        rates = 0.8 * np.eye(10) + 0.2 * random.dirichlet(np.full(10, 0.3), 10)
        predicted = called(random, random.multinomial(500, share), rates).sum(0)
        found = corrected(nobody, predicted, called(random, named, rates), slide, chains=25)
        held.append((found.low <= share) & (share <= found.high))
    assert 0.9 <= np.mean(held) <= 0.99


def test_with_a_perfect_classifier_it_is_the_count_with_its_multinomial_interval() -> None:
    predicted = np.array([300, 120, 60, 20])
    found = corrected(np.zeros(4, int), predicted, np.diag([2000] * 4))
    ends = beta.ppf([[0.025], [0.975]], predicted + 0.5, 500 - predicted + 1.5)
    np.testing.assert_allclose(found.share, predicted / 500, atol=0.005)
    np.testing.assert_allclose([found.low, found.high], ends, atol=0.006)
    plain = naive(np.zeros(4, int), predicted)
    np.testing.assert_allclose([plain.low, plain.high], ends, atol=0.004)


@given(named=COUNTS)
def test_names_count_as_they_are(named: Counts) -> None:
    found = corrected(named, np.zeros(TYPES, int), np.ones((TYPES, TYPES), int))
    np.testing.assert_allclose(found.share, (named + 0.5) / (named.sum() + 2), atol=0.02)


@given(named=COUNTS, predicted=COUNTS, confusion=arrays(np.int64, (TYPES, TYPES), elements=st.integers(0, 40)))
def test_shares_add_up_and_lie_in_their_intervals(named: Counts, predicted: Counts, confusion: Counts) -> None:
    for found in (corrected(named, predicted, confusion, chains=50), naive(named, predicted)):
        assert found.share.sum() == pytest.approx(1)
        assert (found.low >= 0).all()
        assert (found.low <= found.share).all()
        assert (found.share <= found.high).all()
        assert (found.high <= 1).all()


def test_which_cells_were_named_does_not_matter() -> None:
    """Naming all cells of one type first, as readers do, leaves the others to the classifier, which is not misled."""
    rates = 0.85 * np.eye(3) + 0.05
    confusion = np.rint(rates * 400).astype(int)
    predicted = np.rint(np.array([0, 300, 100]) @ rates).astype(int)
    found = corrected(np.array([100, 0, 0]), predicted, confusion)
    np.testing.assert_allclose(found.share, [0.2, 0.6, 0.2], atol=0.03)


def test_a_type_that_the_classifier_does_not_know_counts_by_its_names_alone() -> None:
    known = np.array([True, False, True])
    found = corrected(np.array([0, 1, 0]), np.array([100, 100]), np.array([[95, 5], [5, 95]]), known=known)
    np.testing.assert_allclose(found.share, [0.497, 0.006, 0.497], atol=0.01)
    assert found.high[1] < 0.03


def test_the_same_seed_gives_the_same_figures() -> None:
    arguments = (np.array([3, 4]), np.array([50, 20]), np.array([[9, 1], [2, 8]]))
    assert (corrected(*arguments, 5).low == corrected(*arguments, 5).low).all()
    assert (corrected(*arguments, 5).low != corrected(*arguments, 6).low).any()
