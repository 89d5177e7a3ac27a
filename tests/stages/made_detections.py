"""A study with detected cells, and functions for the tests of exports and imports on the command line."""

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record

MPP = 0.5
PLACES = [(100.0, 100.0), (200.0, 100.0), (300.0, 150.0)]


def invoke(*words: str | Path) -> tuple[int, str]:
    """Exit code and stderr."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def done(*words: str | Path) -> str:
    code, stderr = invoke(*words)
    assert code == 0, stderr
    return stderr


def mistake(*words: str | Path) -> str:
    code, stderr = invoke(*words)
    assert code == 2, stderr
    assert stderr.startswith("orbicyte: ")
    assert stderr.count("\n") == 1
    return stderr


def found(study: Study, slide: str, places: list[tuple[float, float]], size_px: tuple[int, int] = (1000, 800)) -> None:
    """A slide with detected round cells of 10 µm; their outlines are off their centres by a pixel."""
    write_record(study, SlideRecord(slide, f"/data/{slide}.svs", "aperio", *size_px, MPP, f"of {slide}"))
    angle = np.arange(24) * (2 * np.pi / 24)
    rows = []
    for x, y in places:
        outline = np.stack([x + 1 + 10 * np.cos(angle), y + 10 * np.sin(angle)], axis=1).ravel().tolist()
        rows.append((cell_id(f"of {slide}", x, y), x, y, x * MPP, y * MPP, 10.0, 0.9, outline))
    write_cells(study, slide, pd.DataFrame(rows, columns=SCHEMA.names))


def detected_study(path: Path) -> Study:
    """Slide a with cells at ``PLACES``, slide b with one at the first of them."""
    study = Study.create(path)
    found(study, "a", PLACES)
    found(study, "b", PLACES[:1])
    return study


def decide(study: Study, kind: str, after: dict[str, Any], cell: int | str = 0, slide: str = "a") -> None:
    id_ = cell if isinstance(cell, str) else cell_id(f"of {slide}", *PLACES[cell])
    event = {"id": str(uuid.uuid4()), "slide": slide, "cell": id_, "kind": kind, "after": after}
    with ReviewStore.open(study) as store:
        store.append("Ada", [event])


def events(study: Study) -> list[tuple[str, str, dict[str, Any]]]:
    with ReviewStore.open(study) as store:
        return [(event.who, event.kind, event.after) for event in store.events()]


def exported(study: Study, *words: str) -> tuple[Path, dict[str, Any]]:
    done("export", "geojson", study.path, *words)
    path = study.path / "geojson" / "a.geojson"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return path, content


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def require_old_file_survives_full_disk(
    study: Study, kind: str, out: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export of this ``kind`` to ``out``, which writes ``file``, fails on a full disk and leaves it as it was."""
    file.write_text("old")

    def full(path: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orbicyte.study.files.Path.replace", full)
    _, stderr = invoke("export", kind, study.path, "--out", out)
    assert "No space left on device; free some disk space and run again" in stderr
    assert file.read_text() == "old"
    assert not list(file.parent.glob(".*writing"))
