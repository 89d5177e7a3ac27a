"""agreement: tables of whether readers give the same labels."""

import uuid
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.errors import OrbicyteError
from orbicyte.review.store import ReviewStore
from orbicyte.stages.agreement import agreement
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, write_cells
from orbicyte.study.slides import SlideRecord, write_record

LABELS = {"Ada": ["lymphocyte", "lymphocyte", "other"], "Bo": ["lymphocyte", "other", "other"]}


@pytest.fixture
def labelled(tmp_path: Path) -> Study:
    """A study with four cells, three of which the readers of ``give`` label."""
    study = Study.create(tmp_path / "study")
    write_record(study, SlideRecord("a", "/a.tif", "generic-tiff", 100, 100, 0.5, "f"))
    place = {name: [10.0, 20.0, 30.0, 40.0] for name in SCHEMA.names}
    others = {"id": ["c1", "c2", "c3", "c4"], "score": [0.5] * 4, "outline_px": [[1.0, 1.0]] * 4}
    write_cells(study, "a", pd.DataFrame({**place, **others}))
    return study


def give(study: Study, *readers: str) -> None:
    with ReviewStore.open(study) as store:
        for who in readers:
            for cell, label in zip(("c1", "c2", "c3"), LABELS[who], strict=True):
                event = {"id": str(uuid.uuid4()), "slide": "a", "cell": cell, "kind": "name", "after": {"label": label}}
                store.append(who, [event])


def test_the_table_has_all_and_each_type_and_the_disagreements_one_row_per_cell(
    labelled: Study, tmp_path: Path
) -> None:
    give(labelled, "Ada", "Bo")
    with ReviewStore.open(labelled) as store:
        store.append("Bo", [{"id": "1", "slide": "a", "cell": "c4", "kind": "name", "after": {"label": "other"}}])
    words = [
        "agreement",
        str(labelled.path),
        "--out",
        str(tmp_path / "t.csv"),
        "--disagreements",
        str(tmp_path / "d.csv"),
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "readers disagree on 1 of 3 cells that at least two labelled" in result.stderr
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["type"].tolist() == ["all", "lymphocyte", "other"]
    assert table["cells"].tolist() == [3, 2, 2]
    assert table["kappa"].tolist() == pytest.approx([0.4] * 3)
    assert table["agreement"][0] == pytest.approx(2 / 3)
    for word in ("reader_1", "lymphocyte", "0.400"):
        assert word in result.stdout
    differing = pd.read_csv(tmp_path / "d.csv")
    assert differing.to_dict("records") == [
        {"slide": "a", "cell": "c2", "x_px": 20, "y_px": 20, "Ada": "lymphocyte", "Bo": "other"}
    ]


def test_one_reader_alone_is_an_error(labelled: Study) -> None:
    give(labelled, "Ada")
    with pytest.raises(OrbicyteError, match="fewer than two readers"):
        agreement(labelled)
