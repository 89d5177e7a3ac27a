import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.classify_study import classify_study
from orbicyte.stages.count import as_text, count
from orbicyte.study import Study
from orbicyte.study.types import predicted_by

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture(scope="module")
def typed(spotted_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Classified cells, and on slide s0 an "other", an "unsure", a rejected cell and one added later."""
    study = Study.open(shutil.copytree(spotted_run, tmp_path_factory.mktemp("counted") / "study"))
    classify_study(study, RUN)
    cells = reviewed_cells(study, ["s0"])
    place = {"x_px": 150.0, "y_px": 150.0, "diameter_px": 10.0}
    decisions = [
        (cells["id"].iloc[0], "name", {"label": "other"}),
        (cells["id"].iloc[1], "name", {"label": "unsure"}),
        (cells["id"].iloc[2], "check", {"status": "rejected"}),
        ("added", "add", place),
    ]
    events = [
        {"id": f"e{at}", "slide": "s0", "cell": cell, "kind": kind, "after": after}
        for at, (cell, kind, after) in enumerate(decisions)
    ]
    with ReviewStore.open(study) as store:
        store.append("Ada", events)
    return study


def test_each_slide_has_one_row_per_type_and_the_rows_add_up(typed: Study, tmp_path: Path) -> None:
    table = count(typed, out=tmp_path / "counts.csv")
    assert table.columns.tolist() == [
        *("slide", "type", "labelled", "classified", "percent", "low", "high"),
        *("naive_percent", "naive_low", "naive_high", "cells", "other", "unsure", "untyped", "out_of_distribution"),
    ]
    by_slide = table.groupby("slide")
    assert by_slide["type"].apply(list).tolist() == [["dark", "grey", "red"]] * 8
    np.testing.assert_allclose(by_slide["percent"].sum(), 100)
    np.testing.assert_allclose(by_slide["naive_percent"].sum(), 100)
    assert ((table["low"] <= table["percent"]) & (table["percent"] <= table["high"])).all()
    assert (by_slide["labelled"].sum() + by_slide["classified"].sum() == by_slide["cells"].first()).all()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "counts.csv"), table, check_exact=False, atol=1e-4)
    labelled, unlabelled = (
        table[table["slide"].isin(slides)] for slides in (["s1", "s2", "s3"], ["s4", "s5", "s6", "s7"])
    )
    assert labelled.groupby("slide")["labelled"].sum().tolist() == [47] * 3
    assert unlabelled["labelled"].sum() == 0
    assert (unlabelled.groupby("slide")["classified"].sum() == 49).all()
    width = table["high"] - table["low"]
    assert width[unlabelled.index].mean() > width[labelled.index].mean()  # includes the classifier's errors


def test_cells_without_a_type_are_listed_separately(typed: Study, capfd: pytest.CaptureFixture[str]) -> None:
    table = count(typed)
    first = table[table["slide"] == "s0"].iloc[0]
    assert first[["cells", "other", "unsure", "untyped"]].tolist() == [49 - 3, 1, 1, 1]
    text = as_text(table)
    lines = text.splitlines()
    assert lines[0].split() == ["s0", "s1", "s2", "s3"]
    assert next(line for line in lines if line.startswith("all types")).count("100.0 %") == 4
    assert "not counted: unsure or disagreed" in text
    assert text.count("grey") == 2  # eight slides, four next to each other


def test_types_of_another_run_are_predicted_first(typed: Study, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    count(study, run="baseline-fold1-seed0")
    assert predicted_by(study) == "baseline-fold1-seed0"


def test_a_type_with_one_label_is_not_learned_and_only_its_label_is_counted(
    spotted_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    with ReviewStore.open(study) as store:
        about = {"id": "e", "slide": "s7", "cell": next(iter(store.cells("s7"))), "kind": "name"}
        store.append("Ada", [{**about, "after": {"label": "mast"}}])
    table = count(study, run=RUN)
    printed = capfd.readouterr().err
    assert printed.count("labelled cells are not learned: mast (1); they are not predicted for unlabelled cells") == 1
    mast = table[table["type"] == "mast"].set_index("slide")
    assert mast["classified"].sum() == 0
    assert mast["labelled"].to_dict() == {f"s{slide}": int(slide == 7) for slide in range(8)}
    assert mast.loc["s7", "percent"] == pytest.approx(100 * 1.5 / 51, abs=0.5)
    assert mast["high"].max() < 12


def test_without_types_the_labelled_cells_are_counted(
    spotted: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    table = count(study)
    assert "warning: only labelled cells are counted" in capfd.readouterr().err
    of = table[table["slide"] == "s1"]
    truth = reviewed_cells(study, ["s1"])["label"].value_counts()
    assert of.set_index("type")["labelled"].to_dict() == truth.to_dict()
    np.testing.assert_allclose(of["percent"], of["naive_percent"], atol=0.7)
    assert (table["classified"] == 0).all()
    assert table["untyped"].max() == 49
    assert table.loc[table["slide"] == "s7", ["percent", "low", "high", "naive_percent"]].isna().all(axis=None)
    assert "nan" not in as_text(table)
    shutil.rmtree(study.review)
    with pytest.raises(OrbicyteError, match="has a label or a type: label some"):
        count(study)


def test_a_study_without_slides_is_a_one_line_error(study: Path) -> None:
    with pytest.raises(OrbicyteError, match="has no slides: a differential count needs cells on slides"):
        count(study)
