"""audit: files, page and printed lines of whole studies, and of unusual ones."""

import re
import shutil
from base64 import b64decode
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted_copies import changed
from PIL import Image
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.data.patches import Entry, PatchStore, write_store
from orbicyte.errors import OrbicyteError
from orbicyte.stages.audit import audit
from orbicyte.stages.experiment.results import keep_result
from orbicyte.study import Study
from orbicyte.study.predictions import write_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import CONSTANT, Score, read_evaluation, write_evaluation, write_scores

TABLES = {"pairs", "contradictions", "probes", "class_balance", "folds"}


def planted(path: Path, store: PatchStore, labels: list[str | None]) -> Study:
    """A study with the cells of ``store``, and copies of the first of them with ``labels``."""
    study, random = Study.create(path), np.random.default_rng(0)
    own = store.cells["label"]
    entries = [
        Entry(image, f"cell{i}.png", own[i] if isinstance(own[i], str) else None)
        for i, image in enumerate(np.asarray(store.images))
    ]
    entries += [
        Entry(changed(np.asarray(store.images[i]), i, ("rotated",), random).image, f"<b>copy{i}</b>.png", label)
        for i, label in enumerate(labels)
    ]
    write_store(study.patches, entries, side_px=store.side_px)
    return study


def text_of(page: Path) -> str:
    return unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "\n", page.read_text("utf-8"), flags=re.DOTALL))


def likeness(first: str, second: str) -> float:
    """Correlation of two base64 pictures within a disc."""
    one, two = (np.asarray(Image.open(BytesIO(b64decode(text))).convert("L"), float) for text in (first, second))
    y, x = np.indices(one.shape) - (len(one) - 1) / 2
    disc = np.hypot(x, y) < 0.45 * len(one)
    return float(np.corrcoef(one[disc], two[disc])[0, 1])


def test_copies_and_contradictory_labels_are_on_the_page_and_in_the_tables(study: Path, tmp_path: Path) -> None:
    store = PatchStore.open(study / "patches")
    first = store.cells["label"][0]
    made = planted(tmp_path / "planted", store, ["<script>alert(1)</script>", store.cells["label"][1]])
    result = CliRunner().invoke(cli.app, ["audit", str(made.path)])
    assert result.exit_code == 0
    assert f"audit: {made.audit}" in result.stdout
    assert {path.stem for path in (made.path / "audit").iterdir()} == TABLES
    pairs = pd.read_csv(made.path / "audit" / "pairs.csv").sort_values("first")
    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, len(store)], [1, len(store) + 1]]
    assert pairs["labels_differ"].tolist() == [True, False]
    labels = pd.read_csv(made.path / "audit" / "contradictions.csv")["label"].tolist()
    assert labels == [first, "<script>alert(1)</script>"]
    html, text = made.audit.read_text("utf-8"), text_of(made.audit)
    assert "<script" not in html
    assert "<b>copy" not in html
    assert "<b>copy0</b>.png: <script>alert(1)</script>" in text
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert len(pictures) == 4
    assert likeness(pictures[0], pictures[1]) > 0.98  # the copy is rotated to its original
    assert likeness(pictures[2], pictures[3]) > 0.98
    assert not re.search(r'(src|href)="(?!data:|#)|url\(|@import', html)
    for line in ("pairs of patches that show the same cell: 2", "whose labels contradict each other: 1"):
        assert line in result.stdout
        assert line in text
    assert "--networks pretrained" in result.stdout


def test_labels_that_all_networks_reject_are_listed(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    store = PatchStore.open(study.patches)
    cells = store.labelled[:6]
    labels = store.cells["label"].to_numpy()[cells]
    for path in study.runs():
        run, wrong = RunFolder(path), [f"not {label}" if i == 2 else label for i, label in enumerate(labels)]
        table = pd.DataFrame(
            {"cell": cells, "type": labels, "group": "", "probe_fold": 0, "linear": wrong, "mlp": wrong}
        )
        write_predictions(run.predictions, run.record().key, table)
        write_scores(run.score_table, run.record().key, [Score(CONSTANT, 0)])
        write_evaluation(run.evaluation, read_evaluation(run.evaluation))
    audit(study)
    table = pd.read_csv(study.path / "audit" / "rejected_labels.csv")
    assert table["cell"].tolist() == [cells[2]]
    assert table["networks"].tolist() == [2]
    assert f"label {labels[2]}; predicted not {labels[2]} by 100% of 4 probes" in text_of(study.audit)
    probes = pd.read_csv(study.path / "audit" / "probes.csv")
    assert set(probes["from"]) == {"border of the patch", *(path.name for path in study.runs())}
    results = tmp_path / "results"
    with pytest.raises(OrbicyteError, match=r"results has no results: expected a folder of .* --results"):
        audit(study, results)
    for path in study.runs():
        keep_result(RunFolder(path), results)
        shutil.rmtree(path)
    assert audit(study).rejected is None
    elsewhere = audit(study, results)
    pd.testing.assert_frame_equal(pd.read_csv(study.path / "audit" / "rejected_labels.csv"), table)
    assert not any("embed" in note for note in elsewhere.notes)


def test_networks_that_learned_almost_nothing_reject_no_labels(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    runs = [RunFolder(path) for path in study.runs()]
    size = runs[0].record().settings.network.latent_size
    for run in runs:
        write_scores(run.score_table, run.record().key, [Score(CONSTANT, size)])
        write_evaluation(run.evaluation, read_evaluation(run.evaluation))
    result = audit(study)
    assert result.rejected is None
    names = ", ".join(run.name for run in runs)
    note = f"labels were not compared with the predictions of {names}: the network learned almost nothing"
    assert note in result.notes
    assert any("as no other run has any" in note for note in result.notes)


def test_slides_of_some_labelled_cells_only_are_a_note(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    store = PatchStore.open(study.patches)
    shutil.rmtree(study.patches)
    labels = store.cells["label"].where(store.cells["label"].notna(), None)
    entries = [
        Entry(image, str(i), label, slide="one slide" if label and i % 2 else None)
        for i, (image, label) in enumerate(zip(store.images, labels, strict=True))
    ]
    write_store(study.patches, entries, side_px=store.side_px)
    notes = audit(study).notes
    assert any(note.startswith("the folds of the labelled cells are not known: slide 'one slide' ") for note in notes)
    assert study.audit.exists()


def test_runs_of_other_labels_are_left_out(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    store = PatchStore.open(study.patches)
    shutil.rmtree(study.patches)
    write_store(study.patches, [Entry(image, str(i)) for i, image in enumerate(store.images)], side_px=store.side_px)
    notes = audit(study).notes
    assert "runs of other patches or labels were left out: baseline-fold1-seed0" in notes[0]
    assert not (study.path / "audit" / "rejected_labels.csv").exists()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_cells_without_labels_and_slides(tmp_path: Path, count: int) -> None:
    study = Study.create(tmp_path / "study")
    images = np.random.default_rng(0).integers(0, 255, (count, 32, 32, 3), np.uint8)
    write_store(study.patches, [Entry(image, f"{i}.png") for i, image in enumerate(images)], side_px=32)
    notes, text = " ".join(audit(study).notes), text_of(study.audit)
    assert "No two patches show the same cell." in text
    assert f"{count} cells, 0 of them labelled" in text
    too_few = ["the folds of training are not known: "] if count < 3 else []
    for note in (*too_few, "no cell has a label", "the slide is not known for any cell"):
        assert note in notes
        assert note in text


def test_one_labelled_cell(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    write_store(study.patches, [Entry(image, "a.png", "band")], side_px=32)
    audit(study)
    balance = pd.read_csv(study.path / "audit" / "class_balance.csv")
    assert balance["all"].tolist() == [1]


def test_a_study_without_patches_and_a_folder_that_is_not_a_study(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    with pytest.raises(OrbicyteError, match="no patches in"):
        audit(study)
    with pytest.raises(OrbicyteError, match="does not exist"):
        audit(tmp_path / "none")
