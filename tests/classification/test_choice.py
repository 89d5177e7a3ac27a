import pytest
from tests.classification.made_cells import cells_of

from orbicyte.classification.choice import ENOUGH, ENOUGH_IF_UNKNOWN, choose

SHIPPED = ("band", "lymphocyte", "monocyte")


@pytest.mark.parametrize(
    ("counts", "is_own"),
    [
        ({}, False),
        ({"band": 200}, False),
        ({"band": ENOUGH - 1, "lymphocyte": ENOUGH}, False),
        ({"band": ENOUGH, "lymphocyte": ENOUGH}, True),
        ({"band": 5 * ENOUGH, "lymphocyte": 4 * ENOUGH, "monocyte": ENOUGH - 1}, True),
        ({"band": ENOUGH, "lymphocyte": ENOUGH, "monocyte": ENOUGH - 1}, False),
        ({"band": ENOUGH_IF_UNKNOWN, "lymphocyte": ENOUGH_IF_UNKNOWN}, False),
        ({"band": ENOUGH_IF_UNKNOWN, "blast": ENOUGH_IF_UNKNOWN}, True),
        ({"band": ENOUGH_IF_UNKNOWN, "blast": ENOUGH_IF_UNKNOWN - 1}, False),
        ({"blast": 100}, False),
        ({"band": 2 * ENOUGH, "lymphocyte": 2 * ENOUGH, "blast": 1}, True),
    ],
)
def test_own_labels_are_enough_with_enough_cells_of_nearly_all_types(counts: dict[str, int], is_own: bool) -> None:
    assert choose(cells_of(counts), SHIPPED).is_own == is_own


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (
            {},
            "no labelled cells: the shipped classifier of 3 types is used; a classifier is fitted on the labels when "
            f"there are {ENOUGH} cells of each type, or {ENOUGH_IF_UNKNOWN} if one of the types is not among the 3",
        ),
        (
            {"blast": 7},
            "7 labelled cells of 1 type: the shipped classifier of 3 types is used (the shipped one does not know "
            f"blast (7)); a classifier is fitted on the labels when there are {ENOUGH_IF_UNKNOWN} cells of each type",
        ),
        (
            {"band": 6, "blast": 7},
            f"13 labelled cells of 2 types, at least {ENOUGH_IF_UNKNOWN} cells of each of nearly all types: a "
            "classifier fitted on them is "
            "used (the shipped one does not know blast (7)); it predicts these types only",
        ),
    ],
)
def test_the_reason_says_what_would_change_it(counts: dict[str, int], reason: str) -> None:
    assert choose(cells_of(counts), SHIPPED).reason == reason
