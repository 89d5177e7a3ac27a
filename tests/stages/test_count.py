import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.classify_study import classify_study
from orbicyte.stages.count import as_text, count
from orbicyte.stages.cut import cut
from orbicyte.study import Study, runs
from orbicyte.study.counts import read_counts
from orbicyte.study.types import confusion_elsewhere, predicted_by, read_types, write_types

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
    assert lines[0].split() == ["s0", "s1"]
    assert "not counted: unsure or disagreed" in text
    for columns, next_to_each_other in ((40, 1), (100, 2), (200, 6)):
        lines = as_text(table, columns).splitlines()
        assert next(line for line in lines if line.startswith("all types")).count("100.0 %") == next_to_each_other
        assert max(map(len, lines)) <= max(columns, 60)
        assert lines.count("") == -(-8 // next_to_each_other) - 1


def test_slides_that_are_unlike_the_labelled_cells_are_a_warning_and_the_count_is_kept(
    typed: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    types = read_types(study)
    assert types is not None
    types["out_of_distribution"] = types["slide"].isin(["s5", "s6"])
    write_types(study, types, RUN, None)
    table = count(study)
    printed = " ".join(capfd.readouterr().err.split())
    assert "warning: 100% of the classified cells of 2 slides (s5, s6) are out of distribution" in printed
    kept = read_counts(study)
    assert kept is not None
    pd.testing.assert_frame_equal(kept, table[list(kept)], check_dtype=False)
    types["out_of_distribution"] = False
    write_types(study, types, RUN, None)
    count(study)
    assert "out of distribution" not in capfd.readouterr().err


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


def test_where_cells_cannot_be_classified_the_labelled_ones_are_counted(
    spotted: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.stages.count.classify_study", fails)
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    table = count(study)
    printed = " ".join(capfd.readouterr().err.split())
    assert "warning: only labelled cells are counted, as the others cannot be classified: no slide s0" in printed
    of = table[table["slide"] == "s1"]
    truth = reviewed_cells(study, ["s1"])["label"].value_counts()
    assert of.set_index("type")["labelled"].to_dict() == truth.to_dict()
    np.testing.assert_allclose(of["percent"], of["naive_percent"], atol=0.7)
    assert (table["classified"] == 0).all()
    assert table["untyped"].max() == 49
    assert table.loc[table["slide"] == "s7", ["percent", "low", "high", "naive_percent"]].isna().all(axis=None)
    assert "nan" not in as_text(table)


def fails(*_: Any, **__: Any) -> None:
    raise OrbicyteError("no slide s0")


@pytest.mark.parametrize("labelled", [0, 3])
def test_without_types_and_with_few_labels_cells_are_classified_first_by_the_shipped_classifier(
    shipped_run: Path, spotted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelled: int
) -> None:
    monkeypatch.setattr(runs, "SHIPPED", shipped_run)
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    truth = reviewed_cells(study)
    shutil.rmtree(study.review)
    few = truth[truth["label"].notna()].head(labelled)
    with ReviewStore.open(study) as store:
        store.append(
            "Ada",
            [
                {"id": cell.id, "slide": cell.slide, "cell": cell.id, "kind": "name", "after": {"label": cell.label}}
                for cell in few.itertuples()
            ],
        )
    cut(study, mpp=0.25, view_px=16)
    table = count(study)
    assert predicted_by(study) == "pretrained"
    assert table["labelled"].sum() == labelled
    assert table["classified"].sum() == 8 * 49 - labelled
    np.testing.assert_allclose(table.groupby("slide")["percent"].sum(), 100)
    counted = truth[truth["label"].notna()].groupby("slide")["label"].value_counts(normalize=True) * 100
    of = table.set_index(["slide", "type"]).loc[counted.index]
    assert ((of["low"] <= counted + 4) & (counted - 4 <= of["high"])).all()  # two cells of a slide have no label here
    with monkeypatch.context() as patch:
        patch.setattr("orbicyte.stages.count.classify_study", None)  # types are not predicted again
        pd.testing.assert_frame_equal(count(study), table)


def test_errors_of_another_laboratory_and_of_own_labels_are_added(typed: Study, tmp_path: Path) -> None:
    """Exact errors elsewhere narrow the intervals; wrong types of all own labelled cells count against them."""
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    types = read_types(study)
    assert types is not None
    names = ["red", "grey", "dark"]
    exact = pd.DataFrame(np.eye(3, dtype=int) * 10_000, index=names, columns=names)
    without = count(study)
    write_types(study, types, "pretrained", exact)
    assert confusion_elsewhere(study) is not None
    sure = count(study)
    unlabelled = sure["slide"].isin(["s4", "s5", "s6", "s7"]) & (sure["out_of_distribution"] == 0)
    assert unlabelled.any()
    np.testing.assert_allclose(sure["percent"][unlabelled], sure["naive_percent"][unlabelled], atol=1.5)
    width = [(table["high"] - table["low"])[unlabelled].mean() for table in (sure, without)]
    assert width[0] < width[1]
    few = exact // 10_000
    write_types(study, types, "pretrained", few)
    np.testing.assert_allclose(count(study)["percent"], without["percent"], atol=4)


def test_labels_that_the_classifier_does_not_divide_are_counted_as_its_type(
    typed: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    cells, types = reviewed_cells(study), read_types(study)
    assert types is not None
    dark = cells[cells["label"] == "dark"]
    names = np.resize(["basophilic erythroblast", "polychromatic erythroblast"], len(dark)).tolist()
    about = {"kind": "name"}
    events = [
        {"id": f"n{cell}", "slide": slide, "cell": cell, **about, "after": {"label": name}}
        for slide, cell, name in zip(dark["slide"], dark["id"], names, strict=True)
    ]
    with ReviewStore.open(study) as store:
        store.append("Ada", events)
    now = types["id"].map(dict(zip(dark["id"], names, strict=True)))
    renamed = types.rename(columns={"p_dark": "p_erythroblast"}).replace({"type": {"dark": "erythroblast"}})
    write_types(study, renamed.assign(label=now.where(now.notna(), types["label"])), RUN)
    capfd.readouterr()
    table = count(study)
    printed = capfd.readouterr().err
    assert "labels counted as erythroblast, which the classifier does not divide: basophilic erythroblast (" in printed
    assert "warning" not in printed
    pd.testing.assert_frame_equal(table.replace({"type": {"erythroblast": "dark"}}), count(typed))


def test_intervals_are_wider_where_cells_are_out_of_distribution(typed: Study, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    types = read_types(study)
    assert types is not None
    within = types.assign(out_of_distribution=False)
    write_types(study, within, RUN)
    before = count(study)
    write_types(study, within.assign(out_of_distribution=types["slide"] == "s5"), RUN)
    after = count(study)
    width, wider = before["high"] - before["low"], after["high"] - after["low"]
    is_beyond = after["slide"] == "s5"
    assert (wider[is_beyond] > width[is_beyond] + 20).all()
    assert after[is_beyond]["out_of_distribution"].tolist() == [49] * 3
    columns = ["percent", "low", "high"]
    pd.testing.assert_frame_equal(after.loc[~is_beyond, columns], before.loc[~is_beyond, columns])
    np.testing.assert_allclose(after.groupby("slide")["percent"].sum(), 100)


def test_a_study_without_slides_is_a_one_line_error(study: Path) -> None:
    with pytest.raises(OrbicyteError, match="has no slides: a differential count needs cells on slides"):
        count(study)
