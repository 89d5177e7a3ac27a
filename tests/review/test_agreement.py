"""LabelsOfCells that readers gave, and their agreement as the page shows it."""

from collections.abc import Callable
from typing import Any

from orbicyte.classification.agreement import LabelsOfCells, agreements
from orbicyte.review.agreement import FEWEST, blinded, differing_cells, given_labels
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
