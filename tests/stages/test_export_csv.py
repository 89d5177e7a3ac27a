"""export csv: one row per accepted cell."""

import uuid
from pathlib import Path

import pandas as pd
import pytest
from tests.stages.made_detections import (
    PLACES,
    decide,
    detected_study,
    done,
    mistake,
    require_old_file_survives_full_disk,
)

from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import cell_id


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return detected_study(tmp_path / "study")


def test_the_table_has_one_row_per_cell_without_rejected_ones(study: Study, tmp_path: Path) -> None:
    decide(study, "name", {"label": "myelocyte"})
    decide(study, "check", {"status": "rejected"}, 1)
    done("export", "csv", study.path, "--out", tmp_path / "cells.csv")
    cells = pd.read_csv(tmp_path / "cells.csv")
    assert cells["slide"].tolist() == ["a", "a", "b"]
    assert cells["label"].fillna("").tolist() == ["myelocyte", "", ""]
    assert cells[["x_px", "x_um", "diameter_um"]].iloc[1].tolist() == [300, 150, 10]
    assert set(cells["status"]) == {"unchecked"}


def test_the_name_of_a_reader_is_never_a_formula_and_commas_are_quoted(study: Study, tmp_path: Path) -> None:
    id_ = cell_id("of a", *PLACES[0])
    event = {"id": str(uuid.uuid4()), "slide": "a", "cell": id_, "kind": "name", "after": {"label": "lymphocyte"}}
    with ReviewStore.open(study) as store:
        store.append('=HYPERLINK("x"), B', [event])
        store.append("-1", [{**event, "id": "kept", "kind": "check", "after": {"status": "kept"}}])
    done("export", "csv", study.path, "--out", tmp_path / "cells.csv")
    cells = pd.read_csv(tmp_path / "cells.csv", dtype={"reviewer": str}).set_index("id")
    given = [cells[column][id_] for column in ("label", "labelled_by", "reviewer")]
    assert given == ["lymphocyte", '\'=HYPERLINK("x"), B', "'-1"]


def test_a_study_without_slides_is_refused(tmp_path: Path) -> None:
    empty = Study.create(tmp_path / "empty")
    assert "has no slides" in mistake("export", "csv", empty.path, "--out", "x")


def test_a_full_disk_leaves_the_old_file(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_old_file_survives_full_disk(study, "csv", tmp_path / "csv", tmp_path / "csv", monkeypatch)
