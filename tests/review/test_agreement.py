"""LabelsOfCells that readers gave, and their agreement as the page shows it."""

from collections.abc import Callable
from typing import Any

import pytest

from orbicyte.classification.agreement import LabelsOfCells, agreements
from orbicyte.review.agreement import FEWEST, blinded, compared_cells, differing_cells, given_labels
from orbicyte.review.refusals import RefusedError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

Drafting = Callable[..., dict[str, Any]]


def test_few_cells_in_common_reveal_no_label_on_the_page() -> None:
    labels: LabelsOfCells = {("a", str(i)): {"Ada": "blast", "Bo": "other"} for i in range(FEWEST)}
    (few,) = map(blinded, agreements({**labels, ("a", "0"): {"Ada": "blast"}}))
    assert (few["cells"], few["kappa"], few["agreement"]) == (FEWEST - 1, None, None)
    assert "20 of the same cells" in few["note"]
    assert not {"blast", "other"} & set(str(few).replace("'", " ").split())
    (enough,) = agreements(labels)
    assert blinded(enough) == {**enough, "note": None}


def test_unsure_and_removed_cells_do_not_count(found: Study, draft: Drafting) -> None:
    with ReviewStore.open(found) as store:
        first, second, *_ = sorted(store.cells("a"))
        circle = {"x_px": 3, "y_px": 3, "diameter_px": 30}
        store.append("Ada", [draft("a", first, "name", label="unsure"), draft("a", second, "name", label="other")])
        store.append("Bo", [draft("a", first, "name", label="other"), draft("a", second, "name", label="not a cell")])
        store.append("Cy", [draft("a", "new", "add", **circle)])
        store.append("Cy", [draft("a", "new", "name", label="other")])
        given = given_labels(store)
        assert given["a", first] == {"Bo": "other"}
        assert given["a", "new"] == {"Cy": "other"}
        table = differing_cells(given, store)
        assert table[["slide", "cell", "Ada", "Bo", "Cy"]].to_numpy().tolist() == [
            ["a", second, "other", "not a cell", None]
        ]
        assert table["x_px"][0] == store.cells("a")[second].x_px
        store.undo("Cy")
        store.undo("Cy")
        assert ("a", "new") not in given_labels(store)


def test_the_cells_of_two_readers_are_given_once_both_labelled_enough(
    found: Study, draft: Drafting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ReviewStore.open(found) as store:
        ids = sorted(store.cells("a"))
        added = [f"new-{at}" for at in range(FEWEST - len(ids))]
        store.append("Ada", [draft("a", one, "add", x_px=3, y_px=3, diameter_px=30) for one in added])
        cells = [*ids, *added]
        store.append("Ada", [draft("a", one, "name", label="blast") for one in cells])
        store.append("Bo", [draft("a", one, "name", label="blast") for one in cells[2:-1]])
        store.append("Bo", [draft("a", one, "name", label="other") for one in cells[:1]])
        store.append("Bo", [draft("a", one, "name", label="lymphocyte") for one in cells[1:2]])
        with pytest.raises(RefusedError, match="fewer than 20 of the same cells"):
            compared_cells(given_labels(store), store, ("Ada", "Bo"), None)
        store.append("Bo", [draft("a", cells[-1], "name", label="blast")])
        given = given_labels(store)
        differing = compared_cells(given, store, ("Ada", "Bo"), None)["cells"]
        assert {(one["cell"], one["labels"]) for one in differing} == {
            (cells[0], ("blast", "other")),
            (cells[1], ("blast", "lymphocyte")),
        }
        assert [one["x_px"] for one in differing] == [store.cells("a")[one["cell"]].x_px for one in differing]
        (single,) = compared_cells(given, store, ("Bo", "Ada"), ("other", "blast"))["cells"]
        assert (single["slide"], single["cell"]) == ("a", cells[0])
        same = compared_cells(given, store, ("Ada", "Bo"), ("blast", "blast"))
        assert (same["total"], len(same["cells"])) == (FEWEST - 2, FEWEST - 2)
        monkeypatch.setattr("orbicyte.review.agreement.MOST", 5)
        assert compared_cells(given, store, ("Ada", "Bo"), ("blast", "blast")) == {**same, "cells": same["cells"][:5]}
