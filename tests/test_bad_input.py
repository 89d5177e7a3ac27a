"""Wrong input through the command line: one clear line each, exit code 2, and nothing is lost."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings
from orbicyte.study.files import read_json, write_json

RUN = "only_stn-w0.5-fold1-seed0"


def check(store: PatchStore, evaluation: EvaluationSettings) -> None:
    check_measurable(measured_cells(store, evaluation, seed=0), evaluation, seed=0)


def invoke(*words: str | Path) -> tuple[int, str]:
    """Exit code and what is on stderr."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def mistake(*words: str | Path) -> str:
    """The one line with the error."""
    code, printed = invoke(*words)
    assert code == 2, printed
    *_, last = printed.splitlines()
    assert last.startswith("orbicyte: ")
    assert printed.count("orbicyte: ") == 1
    return last


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def cells(synthetic_cells: Path, tmp_path: Path) -> Path:
    """The test's own copy of 60 labelled and 45 unlabelled cells."""
    return Path(shutil.copytree(synthetic_cells, tmp_path / "cells"))


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The test's own copy of the trained study, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "study"))


@pytest.fixture
def run_options(tiny_assignments: list[str]) -> list[str]:
    return ["--networks", "baseline", *(word for value in tiny_assignments for word in ("--set", value))]


def label(cells: Path, types: Callable[[int], str]) -> None:
    """Give labelled cell number i the type ``types(i)``; its slide is no longer listed."""
    with (cells / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labelled = [row["file"] for row in rows if row["label"]]
    lines = [f"{name},{types(i)}" for i, name in enumerate(labelled)]
    (cells / "labels.csv").write_text("\n".join(["file,label", *lines]))


def no_images(cells: Path) -> None:
    for path in cells.glob("*.png"):
        path.unlink()


def other_files(cells: Path) -> None:
    (cells / "labels.csv").write_text("file,label\nnever.png,blast\n")


def empty_table(cells: Path) -> None:
    (cells / "labels.csv").write_text("")


def not_there(cells: Path) -> None:
    shutil.rmtree(cells)


@pytest.mark.parametrize(
    ("damage", "more", "message"),
    [
        (no_images, (), "no images"),
        (not_there, (), "does not exist"),
        (other_files, (), "no file in common"),
        (empty_table, (), "labels.csv"),
        (None, ("--labels", "never.csv"), "never.csv"),
        (None, ("--label-column", "befund"), "no column 'befund'"),
        (None, ("--file-column", "datei"), "no column 'datei'"),
        (None, ("--unlabelled", "never"), "never"),
        (None, ("--max-cells", "3"), "--max-cells 3 is less than one cell for each of 11 types"),
    ],
)
def test_input_that_cannot_be_imported_is_an_error(
    cells: Path,
    tmp_path: Path,
    run_options: list[str],
    damage: Callable[[Path], None] | None,
    more: tuple[str, ...],
    message: str,
) -> None:
    if damage:
        damage(cells)
    assert message in mistake("run", cells, "--out", tmp_path / "study", *run_options, *more)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (lambda i: "blast", "labelled cells of at least two types, but all are 'blast'"),
        (
            lambda i: "rare" if i < 2 else "blast",
            "type 'rare' has 1 labelled cell in the test part, fewer than",
        ),
    ],
)
def test_cells_that_cannot_be_evaluated_are_not_trained_on(
    cells: Path, tmp_path: Path, run_options: list[str], types: Callable[[int], str], message: str
) -> None:
    label(cells, types)
    study = tmp_path / "study"
    assert message in mistake("run", cells, "--out", study, *run_options, "--set", "evaluation.selection_share=0.4")
    assert not (study / "runs").exists()
    assert len(PatchStore.open(study / "patches")) == 105


def test_fewer_unlabelled_cells_than_folds_are_an_error(cells: Path, tmp_path: Path, run_options: list[str]) -> None:
    (cells / "labels.csv").unlink()
    for path in sorted(cells.glob("*.png"))[2:]:
        path.unlink()
    assert "training in 3 folds needs at least 3 cells, there are 2" in mistake(
        "run", cells, "--out", tmp_path / "study", *run_options
    )
    assert not (tmp_path / "study" / "runs").exists()


def test_impossible_evaluation_is_an_error_before_anything_is_measured(own: Path) -> None:
    before = tree(own)
    assert "fewer than the 40 folds" in mistake("evaluate", own, "--set", "evaluation.folds=40")
    assert tree(own) == before


def test_which_cells_can_be_evaluated(imported: Path) -> None:
    store = PatchStore.open(imported / "patches")
    check(store, EvaluationSettings(folds=2))
    slides = store.cells["slide"][store.labelled].nunique()
    with pytest.raises(OrbicyteError, match=f"fewer than the {slides} folds"):  # some slides are in the selection part
        check(store, EvaluationSettings(folds=slides))
    two = np.where(np.arange(len(store)) < 30, "a", "b")
    apart = replace(store, cells=store.cells.assign(label=two, slide=two, patient=None))
    with pytest.raises(OrbicyteError, match="folds by slide leave only"):
        check(apart, EvaluationSettings(folds=2))
    check(replace(apart, cells=apart.cells.assign(slide=None)), EvaluationSettings())
    check(replace(store, cells=store.cells.assign(label=None)), EvaluationSettings())


def text(path: Path) -> None:
    path.write_text("no image")


def three_pixels(path: Path) -> None:
    Image.new("RGB", (3, 1)).save(path)


def hundred_megapixels(path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(path)


def truncated_jpeg(path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(path, format="jpeg")
    path.write_bytes(path.read_bytes()[:-300])


BAD = {"text.png": text, "three.png": three_pixels, "huge.png": hundred_megapixels, "cut.jpg": truncated_jpeg}


def test_bad_images_are_listed_and_left_out(cells: Path, tmp_path: Path) -> None:
    for name, write in BAD.items():
        write(cells / name)
    code, printed = invoke("import", cells, "--out", tmp_path / "s")
    assert code == 0
    for name in BAD:
        assert f"warning: {name} is left out: " in printed
    assert len(PatchStore.open(tmp_path / "s" / "patches")) == 105
    for index in range(3):
        text(cells / f"more{index}.png")
    assert "more than 5% of 112 files cannot be read" in mistake("import", cells, "--out", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("stage", ["import", "run", "train", "embed", "evaluate", "report", "classify"])
@pytest.mark.parametrize("file", ["study.json", "patches/store.json", f"runs/{RUN}/run.json"])
def test_a_newer_format_is_an_error_and_nothing_changes(
    synthetic_cells: Path, own: Path, run_options: list[str], stage: str, file: str
) -> None:
    write_json(own / file, read_json(own / file) | {"format": 99})
    for done in ("embeddings.h5ad", "scores/evaluation.json"):
        (own / "runs" / RUN / done).unlink()
    before = tree(own)
    words: dict[str, list[str | Path]] = {
        "import": ["import", synthetic_cells, "--out", own],
        "run": [
            "run",
            synthetic_cells,
            "--out",
            own,
            "--networks=only_stn",
            "--rotation-weights=0.5",
            *run_options[2:],
        ],
        "train": ["train", own, "--networks", "only_stn", "--rotation-weights", "0.5", *run_options[2:]],
        "embed": ["embed", own, RUN],
        "evaluate": ["evaluate", own, RUN],
        "report": ["report", own],
        "classify": ["classify-fit", own / "runs" / RUN],
    }
    if (stage, file) == ("import", f"runs/{RUN}/run.json"):
        assert invoke(*words[stage])[0] == 0  # which reads no run
    else:
        assert f"{file} has format 99, this orbicyte reads up to" in mistake(*words[stage])
    assert tree(own) == before


@pytest.mark.parametrize(
    ("file", "words", "message"),
    [
        ("study.json", ["report"], "cannot read"),
        ("patches/store.json", ["report"], "cannot read"),
        ("patches/images.npy", ["report"], "is damaged"),
        (f"runs/{RUN}/run.json", ["evaluate"], "cannot read"),
        (f"runs/{RUN}/weights.safetensors", ["evaluate", "--set", "evaluation.cells=9"], "and train it again"),
    ],
)
def test_the_message_contains_the_path_of_a_damaged_file(own: Path, file: str, words: list[str], message: str) -> None:
    (own / file).write_bytes((own / file).read_bytes()[:5])
    before = tree(own)
    printed = mistake(words[0], own, *([RUN] if words[0] == "evaluate" else []), *words[1:])
    assert message in printed
    assert file.removesuffix("/images.npy") in printed
    assert tree(own) == before


@pytest.mark.parametrize("out", ["cells", "cells/labels.csv", "cells/labels.csv/study"])
def test_a_study_replaces_no_other_files(cells: Path, tmp_path: Path, run_options: list[str], out: str) -> None:
    before = tree(tmp_path)
    assert str(tmp_path / out) in mistake("run", cells, "--out", tmp_path / out, *run_options)
    assert tree(tmp_path) == before


def test_patches_of_other_files_are_not_replaced(cells: Path, own: Path, run_options: list[str]) -> None:
    before = tree(own)
    (cells / "labelled_00000.png").unlink()
    assert "has patches of other files" in mistake("run", cells, "--out", own, *run_options)
    assert tree(own) == before


def test_a_run_of_other_settings_is_not_replaced(synthetic_cells: Path, own: Path, run_options: list[str]) -> None:
    before = tree(own)
    printed = mistake("run", synthetic_cells, "--out", own, *run_options, "--set", "loss.beta=2")
    assert "was trained with other settings (loss.beta: 1.0 -> 2.0)" in printed
    assert "use its settings, --set loss.beta=1.0; or, to train it again" in printed
    assert tree(own) == before
