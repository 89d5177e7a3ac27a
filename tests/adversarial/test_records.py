"""Damaged files of a study: one line each, or exactly what the undamaged file gives; never a traceback."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.adversarial.damage import STRANGE, edited, leaves, restore, tries
from tests.adversarial.victim import READ, RUN, outcome
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, read_cells, write_cells
from orbicyte.study.files import DIGEST, read_json, write_json

UNSIGNED = ("types.parquet",)
"""Only the pages of its values have digests, not the names of its columns."""
BOMB = 10**8


def one_line(path: Path, file: str) -> bytes | None:
    """What is read; None for an error of one line."""
    try:
        return outcome(path, file)
    except OrbicyteError as error:
        line = str(error)
    assert "\n" not in line
    assert len(line) < 2000
    return None


@pytest.mark.parametrize("file", READ)
def test_a_damaged_file_is_an_error_or_changes_nothing(victim: Path, file: str) -> None:
    path = victim / file
    whole, expected = path.read_bytes(), outcome(victim, file)
    for damage, seed in tries(seeds=4):
        damage(path, random.Random(seed))
        try:
            result = one_line(victim, file)
        finally:
            restore(path, whole)
        if file not in UNSIGNED:
            assert result in (None, expected), f"{file}, {damage.__name__} with seed {seed}: another result"
    assert outcome(victim, file) == expected


def unsigned(path: Path) -> dict[str, Any]:
    """The record in ``path`` as a release without digests would have written it."""
    content = read_json(path)
    content.pop("digests", None)
    return content


@pytest.mark.parametrize("file", [file for file in READ if file.endswith(".json")])
def test_wrong_values_in_a_record_without_digests_are_no_traceback(victim: Path, file: str) -> None:
    path = victim / file
    whole, content = path.read_bytes(), unsigned(path)
    chance = random.Random(0)
    places = list(leaves(content))
    tried = [(at, value) for at in places for value in (..., *STRANGE)]
    for at, value in chance.sample(tried, min(len(tried), 40)):
        path.write_text(json.dumps(edited(content, at, value)))
        try:
            one_line(victim, file)
        finally:
            restore(path, whole)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("view", "fill_rgb"), [0.5, float("nan"), 0.5]),
        (("view", "fill_rgb"), [0.5, 2, 0.5]),
        (("view", "side_px"), 10**9),
        (("rotation_weight",), float("nan")),
        (("mpp",), float("inf")),
        (("settings", "loss", "sigma"), float("nan")),
        (("settings", "evaluation", "angle_step_deg"), 1e-9),
        (("fold",), 99),
    ],
)
def test_impossible_values_of_a_run_are_refused(victim: Path, place: tuple[str, ...], value: Any) -> None:
    path = victim / "runs" / RUN / "run.json"
    whole, content = path.read_bytes(), unsigned(path)
    path.write_text(json.dumps(edited(content, place, value)))
    try:
        assert one_line(victim, f"runs/{RUN}/run.json") is None
    finally:
        restore(path, whole)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("x_px", float("nan")),
        ("y_um", float("inf")),
        ("diameter_um", -1.0),
        ("diameter_um", float("nan")),
        ("score", float("nan")),
        ("id", None),
        ("id", "twice"),
        ("outline_px", [1.0, 2.0, 3.0]),
        ("outline_px", [float("nan")] * 6),
    ],
)
def test_impossible_cells_are_refused(victim: Path, column: str, value: Any, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    cells = read_cells(Study.open(victim), "a")
    cells[column] = [value if row < 2 else old for row, old in enumerate(cells[column])]
    write_cells(study, "a", cells)
    with pytest.raises(OrbicyteError, match=r"cells\.parquet is damaged: expected"):
        read_cells(study, "a")


@pytest.mark.parametrize("column", SCHEMA.names)
def test_a_table_without_a_column_is_refused(victim: Path, column: str, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    write_cells(study, "a", read_cells(Study.open(victim), "a"))
    path = study.slides / "a" / "cells.parquet"
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(OrbicyteError, match=f"it has no columns '{column}'"):
        read_cells(study, "a")


def test_a_small_table_that_becomes_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    path = study.slides / "a" / "cells.parquet"
    path.parent.mkdir(parents=True)
    points = pa.ListArray.from_arrays(np.arange(0, BOMB + 1, 1000, dtype=np.int32), np.zeros(BOMB, np.float32))
    numbers = {field.name: np.zeros(len(points)) for field in SCHEMA if field.name not in ("id", "outline_px")}
    ids = pa.DictionaryArray.from_arrays(np.zeros(len(points), np.int32), ["x" * 100_000])
    pq.write_table(pa.table({"id": ids, **numbers, "outline_px": points}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(OrbicyteError, match=r"its values take 76\d MiB"):
        read_cells(study, "a")


def test_patches_in_the_order_of_fortran_or_of_other_cells_are_refused(victim: Path) -> None:
    path = victim / "patches" / "images.npy"
    whole = path.read_bytes()
    images = np.load(path)
    for other, message in (
        (np.asfortranarray(images), "order of Fortran"),
        (images[::-1], "does not match its digest"),
    ):
        np.save(path, other)
        try:
            with pytest.raises(OrbicyteError, match=message):
                READ["patches/images.npy"](victim)
        finally:
            restore(path, whole)


def test_damaged_patches_are_refused_however_they_are_read(victim: Path) -> None:
    path = victim / "patches" / "images.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        images = PatchStore.open(victim / "patches").images
        images.read(0, len(images) - 1)
        for read in (lambda: images[-1], lambda: images.read(len(images) - 2, len(images))):
            with pytest.raises(OrbicyteError, match="does not match its digest"):
                read()
    finally:
        restore(path, whole)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("study.json", ["report", "STUDY"]),
        ("patches/cells.parquet", ["embed", "STUDY", RUN]),
        (f"runs/{RUN}/run.json", ["embed", "STUDY", RUN]),
        (f"runs/{RUN}/weights.safetensors", ["embed", "STUDY", RUN]),
        (f"runs/{RUN}/scores/arrays.npz", ["report", "STUDY"]),
        ("slides/a/cells.parquet", ["export", "geojson", "STUDY"]),
        ("types.parquet", ["count", "STUDY"]),
    ],
)
def test_a_command_ends_with_one_line_and_exit_code_2(victim: Path, file: str, words: list[str]) -> None:
    path, kept = victim / file, victim / "runs" / RUN / "embeddings.h5ad"
    whole, embeddings = path.read_bytes(), kept.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    kept.unlink()
    try:
        result = CliRunner().invoke(cli.app, [word.replace("STUDY", str(victim)) for word in words])
    finally:
        restore(path, whole)
        restore(kept, embeddings)
    assert result.exit_code == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith("orbicyte: ")
    assert result.stderr.count("orbicyte: ") == 1


def test_a_signed_record_reads_the_same_without_its_digest(victim: Path) -> None:
    path = victim / "study.json"
    assert DIGEST in json.loads(path.read_text())
    whole, expected = path.read_bytes(), outcome(victim, "study.json")
    path.write_text(json.dumps(read_json(path)))
    assert outcome(victim, "study.json") == expected
    write_json(path, read_json(path))
    assert path.read_bytes() == whole


def test_types_with_other_probabilities_are_refused(victim: Path) -> None:
    path = victim / "types.parquet"
    whole, table = path.read_bytes(), pq.read_table(path)
    for value in (float("nan"), -0.5, 2.0):
        changed = pa.array(pd.Series([value] * len(table)))
        pq.write_table(table.set_column(table.column_names.index("probability"), "probability", changed), path)
        try:
            assert one_line(victim, "types.parquet") is None
        finally:
            restore(path, whole)
