"""Cohen's kappa of readers."""

from collections.abc import Callable
from typing import Any

import pytest

from orbicyte.review.agreement import FEWEST, Names, agreements, blinded, differing_cells, given_names
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

Drafting = Callable[..., dict[str, Any]]


def names(*pairs: tuple[str | None, str | None]) -> Names:
    """One cell a pair of names by Ada and Bo."""
    return {
        ("a", str(i)): {who: name for who, name in zip(("Ada", "Bo"), pair, strict=True) if name}
        for i, pair in enumerate(pairs)
    }


def test_kappa_is_cohens() -> None:
    # The textbook's table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5).
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    (pair,) = agreements(names(*pairs))
    assert pair["readers"] == ["Ada", "Bo"]
    assert (pair["cells"], pair["agreement"]) == (50, 0.7)
    assert pair["kappa"] == pytest.approx(0.4)
    assert pair["confusion"] == {"types": ["no", "yes"], "counts": [[15, 10], [5, 20]]}
    assert pair["by_type"] == [
        {"type": "no", "kappa": pytest.approx(0.4), "cells": 30},
        {"type": "yes", "kappa": pytest.approx(0.4), "cells": 35},
    ]


def test_kappa_of_a_type_is_that_type_against_the_rest() -> None:
    (pair,) = agreements(names(("a", "a"), ("a", "a"), ("b", "b"), ("b", "c"), ("c", "b"), ("c", "c")))
    by_type = {row["type"]: row["kappa"] for row in pair["by_type"]}
    assert by_type["a"] == pytest.approx(1)
    assert by_type["b"] == pytest.approx(by_type["c"]) == pytest.approx(0.25)


def test_where_kappa_is_not_defined_there_is_none() -> None:
    (same,) = agreements(names(("a", "a"), ("a", "a")))
    assert (same["kappa"], same["agreement"]) == (None, 1)
    (apart,) = agreements(names(("a", None), (None, "a")))
    assert (apart["cells"], apart["kappa"], apart["agreement"], apart["by_type"]) == (0, None, None, [])
    assert agreements({}) == []


def test_few_cells_in_common_tell_the_page_no_name() -> None:
    pairs: list[tuple[str | None, str | None]] = [("blast", "other")] * FEWEST
    (few,) = map(blinded, agreements(names(*pairs[1:], ("blast", None))))
    assert (few["cells"], few["kappa"], few["agreement"]) == (FEWEST - 1, None, None)
    assert "20 of the same cells" in few["note"]
    assert not {"blast", "other"} & set(str(few).replace("'", " ").split())
    (enough,) = agreements(names(*pairs))
    assert blinded(enough) == {**enough, "note": None}


def test_every_pair_of_readers_is_compared() -> None:
    three: Names = {("a", "1"): {"Ada": "x", "Bo": "y", "Cy": "x"}, ("a", "2"): {"Ada": "y", "Bo": "y", "Cy": "y"}}
    pairs = {tuple(pair["readers"]): pair["agreement"] for pair in agreements(three)}
    assert pairs == {("Ada", "Bo"): 0.5, ("Ada", "Cy"): 1, ("Bo", "Cy"): 0.5}


def test_unsure_is_no_name_and_removed_cells_do_not_count(found: Study, draft: Drafting) -> None:
    with ReviewStore.open(found) as store:
        first, second, *_ = sorted(store.cells("a"))
        circle = {"x_px": 3, "y_px": 3, "diameter_px": 30}
        store.append("Ada", [draft("a", first, "name", label="unsure"), draft("a", second, "name", label="other")])
        store.append("Bo", [draft("a", first, "name", label="other"), draft("a", second, "name", label="not a cell")])
        store.append("Cy", [draft("a", "new", "add", **circle)])
        store.append("Cy", [draft("a", "new", "name", label="other")])
        given = given_names(store)
        assert given["a", first] == {"Bo": "other"}
        assert given["a", "new"] == {"Cy": "other"}
        table = differing_cells(given, store)
        assert table[["slide", "cell", "Ada", "Bo", "Cy"]].to_numpy().tolist() == [
            ["a", second, "other", "not a cell", None]
        ]
        assert table["x_px"][0] == store.cells("a")[second].x_px
        store.undo("Cy")
        store.undo("Cy")
        assert ("a", "new") not in given_names(store)
