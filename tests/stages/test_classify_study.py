import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import read_h5ad
from PIL import Image

from orbicyte.classification.classifier import load_classifier
from orbicyte.classification.labelled import labelled_cells
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.classify_fit import classify_fit
from orbicyte.stages.classify_study import best_run, classify_study
from orbicyte.stages.cut import cut
from orbicyte.stages.import_ import import_
from orbicyte.study import Study, runs
from orbicyte.study.classes import choose_classes
from orbicyte.study.files import read_json, write_json
from orbicyte.study.runs import RunFolder
from orbicyte.study.types import confusion_elsewhere, predicted_by, read_types
from orbicyte.training.runs import finished_runs

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture(scope="module")
def typed(spotted_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study.open(shutil.copytree(spotted_run, tmp_path_factory.mktemp("typed") / "study"))
    classify_study(study, RUN)
    return study


def test_every_cell_has_a_type_and_labelled_ones_a_held_out_one(typed: Study) -> None:
    table = read_types(typed)
    assert table is not None
    cells = reviewed_cells(typed)
    assert sorted(table["id"]) == sorted(cells["id"])
    assert predicted_by(typed) == RUN
    names = [str(column) for column in table if str(column).startswith("p_")]
    assert names == ["p_dark", "p_grey", "p_red"]
    probabilities = table[names].to_numpy()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(table["probability"], probabilities.max(1))
    assert [f"p_{name}" for name in table["type"]] == [names[at] for at in probabilities.argmax(1)]
    label = table.merge(cells[["id", "label"]], on="id", suffixes=("", "_now"))
    assert label["label"].fillna("").tolist() == label["label_now"].fillna("").tolist()
    assert (table["held_out"] == table["label"].notna()).all()
    labelled = table[table["held_out"]]
    assert len(labelled) == 4 * 47
    assert (labelled["type"] == labelled["label"]).mean() > 0.6
    assert pd.api.types.is_bool_dtype(table["out_of_distribution"])


def test_the_types_are_added_to_the_embeddings(typed: Study) -> None:
    table = read_types(typed)
    assert table is not None
    obs = read_h5ad(RunFolder(typed.run(RUN)).embeddings).obs
    assert obs.index.tolist() == (table["slide"] + "/" + table["id"]).tolist()
    assert obs["predicted_type"].astype(str).tolist() == table["type"].tolist()


def test_labels_given_after_training_are_used_and_the_network_is_not_trained_again(
    typed: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    with ReviewStore.open(study) as store:
        cell = next(iter(store.cells("s7")))
        about = {"id": "e", "slide": "s7", "cell": cell, "kind": "name"}
        store.append("Ada", [{**about, "after": {"label": "grey"}}])
    capfd.readouterr()
    classify_study(study, study.run(RUN))
    printed = capfd.readouterr().err
    assert f"warning: cells were labelled, moved or added since {RUN} was trained; it is not trained again" in printed
    table = read_types(study)
    assert table is not None
    row = table[table["id"] == cell].iloc[0]
    assert (row["label"], row["held_out"]) == ("grey", True)


def test_the_run_with_the_highest_f1_is_used_and_printed(typed: Study, capfd: pytest.CaptureFixture[str]) -> None:
    best = best_run(typed, labelled_cells(PatchStore.open(typed.patches)))
    assert f"classifying with {best.name}: highest F1 of 2 runs, " in capfd.readouterr().err
    with pytest.raises(OrbicyteError, match="magic does not exist: expected a run folder"):
        classify_study(typed, "magic")


def test_without_scores_the_recommended_network_is_used(
    typed: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    runs = finished_runs(study)
    for run in runs:
        run.score_table.unlink()
    monkeypatch.setattr("orbicyte.stages.classify_study.RECOMMENDED", (runs[0].record().network, "only_stn"))
    assert best_run(study, labelled_cells(PatchStore.open(study.patches))).name == RUN
    assert f"classifying with {RUN}: no run is evaluated" in capfd.readouterr().err


def test_patches_of_other_sizes_are_one_line_errors(spotted_run: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    cut(study, view_px=20)
    with pytest.raises(OrbicyteError, match=r"trained on patches of 24 px.* the patches are now of 30 px"):
        classify_study(study, RUN)


def test_with_one_labelled_slide_folds_are_by_cell(
    spotted_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    shutil.rmtree(study.review)
    cells = reviewed_cells(study, ["s0"])
    with ReviewStore.open(study) as store:
        names = np.random.default_rng(0).choice(["dark", "red"], len(cells)).tolist()
        about = {"slide": "s0", "kind": "name"}
        events = [
            {"id": f"e{at}", "cell": cell, **about, "after": {"label": name}}
            for at, (cell, name) in enumerate(zip(cells["id"], names, strict=True))
        ]
        store.append("Ada", events)
    classify_study(study, RUN)
    assert "warning: all labelled cells are of one slide: folds are by cell" in capfd.readouterr().err


def test_imported_patches_can_be_classified_too(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    classify_study(study, "baseline-fold1-seed0")
    table = read_types(study)
    assert table is not None
    assert table["id"].tolist() == PatchStore.open(study.patches).cells["file"].tolist()


@pytest.fixture
def shipped(shipped_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained run of three types in the place of the shipped one."""
    folder = Path(shutil.copytree(shipped_run, tmp_path / "package" / "pretrained"))
    monkeypatch.setattr(runs, "SHIPPED", folder)
    return folder


@pytest.fixture
def detected(spotted: Path, tmp_path: Path) -> Study:
    """A study with cells and nothing else: no labels, no trained network."""
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    shutil.rmtree(study.review)
    cut(study, mpp=0.25, view_px=16)
    return study


def label_some(study: Study, truth: pd.Series, per_type: int) -> None:
    """Label the first ``per_type`` cells of each type of ``truth`` (labels by slide and cell id)."""
    some = truth.groupby(truth).head(per_type)
    events = [
        {"id": f"e{cell}", "slide": slide, "cell": cell, "kind": "name", "after": {"label": label}}
        for slide, cell, label in zip(*map(some.index.get_level_values, ("slide", "id")), some, strict=True)
    ]
    with ReviewStore.open(study) as store:
        store.append("Ada", events)


def imported(study: Study, folder: Path) -> Study:
    """The patches of ``study``, as imported ones."""
    store = PatchStore.open(cut(study).path)
    for at, (label, slide) in enumerate(zip(store.cells["label"], store.cells["slide"], strict=True)):
        path = folder / "patches" / ("unlabelled" if pd.isna(label) else label) / f"{slide}-{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(store.images[at]).save(path)
    unlabelled = (folder / "patches" / "unlabelled").rename(folder / "unlabelled")
    import_(folder / "patches", folder / "study", unlabelled=unlabelled, view_px=16)
    return Study.open(folder / "study")


def truth_of(study: Path) -> pd.Series:
    cells = reviewed_cells(Study.open(study))
    return cells[cells["label"].notna()].set_index(["slide", "id"])["label"]


def test_without_labels_and_training_types_are_those_of_the_shipped_classifier(
    detected: Study, spotted: Path, shipped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    classify_study(detected)
    assert "no labelled cells: the shipped classifier of 3 types is used; " in capfd.readouterr().err
    table, truth = read_types(detected), truth_of(spotted)
    assert table is not None
    assert predicted_by(detected) == "pretrained"
    of_labelled = table.set_index(["slide", "id"])["type"].loc[truth.index]
    assert (of_labelled == truth).mean() > 0.6
    confusion, classifier = confusion_elsewhere(detected), load_classifier(shipped / "classifier")
    assert confusion is not None
    np.testing.assert_array_equal(confusion, classifier.confusion)
    assert list(confusion) == classifier.classes
    assert not (detected.run("pretrained") / "classifier").exists()


def test_few_labels_change_no_prediction_and_enough_labels_make_a_classifier_in_the_study(
    detected: Study, spotted: Path, shipped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted((file, file.stat().st_mtime_ns) for file in shipped.rglob("*"))
    classify_study(detected)
    first = read_types(detected)
    label_some(detected, truth_of(spotted), per_type=3)
    classify_study(detected)
    assert "9 labelled cells of 3 types: the shipped classifier of 3 types is used" in capfd.readouterr().err
    few = read_types(detected)
    assert first is not None
    assert few is not None
    pd.testing.assert_frame_equal(few.drop(columns=["label", "held_out"]), first.drop(columns=["label", "held_out"]))
    assert few["held_out"].sum() == 9  # the shipped classifier has not seen them
    label_some(detected, truth_of(spotted), per_type=100)
    classify_study(detected)
    assert "a classifier fitted on them is used; it predicts these types only" in capfd.readouterr().err
    assert sum(load_classifier(detected.run("pretrained") / "classifier").card["cells"].values()) == 4 * 47
    assert predicted_by(detected) == "pretrained"
    assert confusion_elsewhere(detected) is None
    assert sorted((file, file.stat().st_mtime_ns) for file in shipped.rglob("*")) == before


def test_shipped_types_have_the_names_from_which_readers_choose(detected: Study, shipped: Path) -> None:
    content = read_json(shipped / "classifier" / "classifier.json")
    write_json(shipped / "classifier" / "classifier.json", content | {"classes": ["band neutrophil", "grey", "red"]})
    for classes, name in (([], "band granulocyte"), (["band neutrophil", "red"], "band neutrophil")):
        if classes:
            choose_classes(detected, classes, used=[])
        classify_study(detected)
        table, confusion = read_types(detected), confusion_elsewhere(detected)
        assert table is not None
        assert confusion is not None
        assert f"p_{name}" in table
        assert set(table["type"]) <= {name, "grey", "red"}
        assert list(confusion) == [name, "grey", "red"]


def test_shipped_types_have_the_names_of_labels(
    detected: Study, spotted: Path, shipped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = read_json(shipped / "classifier" / "classifier.json")
    write_json(shipped / "classifier" / "classifier.json", content | {"classes": ["band neutrophil", "grey", "red"]})
    truth = truth_of(spotted).replace("dark", "band granulocyte")
    label_some(detected, truth, per_type=6)
    study = imported(detected, detected.path.parent / "imported")
    for one in (detected, study):
        classify_study(one)
        # The same type under its other name is no type that the shipped classifier does not know.
        assert "18 labelled cells of 3 types: the shipped classifier of 3 types is used;" in capfd.readouterr().err
        confusion = confusion_elsewhere(one)
        assert confusion is not None
        assert list(confusion) == ["band granulocyte", "grey", "red"]


def test_labels_that_cannot_be_learned_across_slides_leave_the_shipped_classifier(
    detected: Study, spotted: Path, shipped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    truth = truth_of(spotted)
    of_slide = truth.index.get_level_values("slide")
    kept = truth[((of_slide == "s0") & (truth == "dark")) | ((of_slide == "s1") & (truth == "red"))]
    label_some(detected, kept.replace({"dark": "blast"}), per_type=30)
    classify_study(detected)
    assert "the shipped classifier is used, as none can be fitted on the labelled cells: " in capfd.readouterr().err
    assert confusion_elsewhere(detected) is not None


def test_patches_of_another_resolution_are_brought_to_the_scale_of_the_shipped_network(
    detected: Study, shipped: Path
) -> None:
    classify_study(detected)
    same = read_types(detected)
    cut(detected, mpp=0.125, view_px=32)
    classify_study(detected)
    finer = read_types(detected)
    assert same is not None
    assert finer is not None
    both = same.merge(finer, on=["id", "slide"])
    assert len(both) == len(same)
    assert (both["type_x"] == both["type_y"]).mean() > 0.9


def test_a_study_with_a_trained_run_uses_the_shipped_network_only_by_its_name(
    typed: Study, shipped: Path, tmp_path: Path
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "other"))
    classify_study(study, "pretrained")
    assert predicted_by(study) == "pretrained"
    assert (study.run("pretrained") / "classifier" / "classifier.json").exists()
    classify_study(study)
    cells = labelled_cells(PatchStore.open(study.patches))
    assert predicted_by(study) == best_run(study, cells).name != "pretrained"
    assert best_run(study, cells[np.arange(3)]).name == "pretrained"


def test_restandardised_cells_of_another_stain_keep_their_types(
    detected: Study, shipped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The network sees the same cells, but the classifier was fitted on shifted and scaled representations."""
    classify_study(detected)
    before = read_types(detected)
    random = np.random.default_rng(0)
    classifier = load_classifier(shipped / "classifier")
    size = len(classifier.tensors["centre"])
    scale, shift = random.uniform(0.5, 2, size), random.normal(0, 20, size)
    moved = {"centre": classifier.tensors["centre"] * scale + shift, "scale": classifier.tensors["scale"] * scale}
    classifier.tensors.update(moved, mean=classifier.tensors["mean"] * scale + shift)
    classifier.tensors["precision"] /= np.outer(scale, scale)
    classifier.save(shipped / "classifier")
    classify_study(detected)
    without = read_types(detected)
    assert " of the cells are out of distribution: their stain, scanner or scale is not " in capfd.readouterr().err
    classify_study(detected, restandardise=True)
    assert "their stain, scanner or scale" not in capfd.readouterr().err
    after = read_types(detected)
    assert before is not None
    assert without is not None
    assert after is not None
    assert (without["type"] == before["type"]).mean() < 0.8
    assert without["out_of_distribution"].mean() > 0.9
    assert (after["type"] == before["type"]).mean() > 0.8
    assert after["out_of_distribution"].mean() < 0.2


def test_restandardisation_with_a_classifier_of_the_study_is_a_one_line_error(typed: Study) -> None:
    with pytest.raises(OrbicyteError, match="--restandardise is for the shipped classifier"):
        classify_study(typed, RUN, restandardise=True)


def test_stain_copies_are_those_of_the_last_fit_or_as_given(spotted_run: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    fitted = classify_fit(study.run(RUN), stain_copies=1)
    for given, copies in ((None, 1), (0, 0), (None, 0)):
        classify_study(study, RUN, stain_copies=given)
        assert load_classifier(fitted).card["stain_copies"] == copies
    (fitted / "classifier.json").write_text("{")
    classify_study(study, RUN)
    assert load_classifier(fitted).card["stain_copies"] == 0


def test_stain_copies_with_the_shipped_classifier_are_a_one_line_error(detected: Study, shipped: Path) -> None:
    with pytest.raises(OrbicyteError, match="--stain-copies is for a classifier fitted on the study's own labels"):
        classify_study(detected, stain_copies=1)


def test_a_shipped_classifier_without_confusion_is_a_one_line_error(detected: Study, shipped: Path) -> None:
    path = shipped / "classifier" / "classifier.json"
    content = read_json(path)
    del content["card"]["confusion"]
    write_json(path, content | {"format": 2})
    with pytest.raises(OrbicyteError, match="has no confusion matrix"):
        classify_study(detected)
    assert read_types(detected) is None


def test_a_damaged_table_is_a_one_line_error(typed: Study, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    assert read_types(study) is None
    (study.path / "types.parquet").write_bytes(b"PAR1")
    with pytest.raises(OrbicyteError, match=r"types.parquet is damaged .*run 'orbicyte classify"):
        read_types(study)
