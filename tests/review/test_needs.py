"""What the folds need, and how far the labels are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.review.made_study import found_cells

from orbicyte.review.needs import needs
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.cells import write_cells
from orbicyte.study.needed import Needed
from orbicyte.study.slides import SlideRecord, write_record

NEEDED = Needed.of(Settings())
Drafting = Callable[..., dict[str, Any]]


def test_slides_with_labels_of_all_readers_and_cells_of_this_reader_are_counted(
    found: Study, draft: Drafting, tmp_path: Path
) -> None:
    write_record(found, SlideRecord("c", str(tmp_path / "c.tif"), "generic-tiff", 2048, 2048, 0.25, "fc"))
    write_cells(found, "c", found_cells("c", 3, seed=9))
    with ReviewStore.open(found) as store:
        first, second, third, *_ = sorted(store.cells("a"))
        blast = {"label": "blast"}
        store.append("Ada", [draft("a", one, "name", **blast) for one in (first, second, third)])
        store.append("Ada", [draft("a", third, "check", status="rejected")])
        store.append("Bo", [draft("a", first, "name", label="lymphocyte")])
        store.append("Bo", [draft("b", sorted(store.cells("b"))[0], "name", label="other")])
        store.append("Cy", [draft("c", one, "name", label="not a cell") for one in sorted(store.cells("c"))])
        ada, bo, cy = (needs(store, ["blast", "lymphocyte"], who, NEEDED) for who in ("Ada", "Bo", "Cy"))
    assert (ada["labelled_slides"], ada["unlabelled_slides"]) == (2, 1)
    assert ada["cells"] == {"blast": 2, "lymphocyte": 0}
    assert bo["cells"] == {"blast": 0, "lymphocyte": 1, "other": 1}
    assert cy["cells"] == {"blast": 0, "lymphocyte": 0}


def test_the_page_gets_them(client: Any) -> None:
    answer = client.get("/api/needs", params={"reader": "Ada"}).json()
    assert (answer["labelled_slides"], answer["unlabelled_slides"]) == (0, 2)
    assert answer["needed"]["labelled_slides"] == 8
    assert client.get("/api/needs").status_code == 400


def test_they_are_those_of_the_folds_that_are_wanted(found: Study, serving: Callable[..., Any]) -> None:
    with serving(found, settings=Settings().changed(["folds=3"])) as client:
        needed = client.get("/api/needs", params={"reader": "Ada"}).json()["needed"]
    assert needed["unlabelled_slides"] == 3


def test_a_damaged_slide_is_not_counted(client: Any, found: Study) -> None:
    (found.slides / "b" / "cells.parquet").write_bytes(b"damaged")
    answer = client.get("/api/needs", params={"reader": "Ada"}).json()
    assert (answer["labelled_slides"], answer["unlabelled_slides"]) == (0, 1)
