"""Damaged logs end in one line; decisions that no reader could use are refused, and old ones left out by name."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.adversarial.hostile_events import OUTLINES, decide, log_of, run, write
from tests.review.made_study import make_study
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.errors import OrbicyteError
from orbicyte.exchange.geojson import read_geojson
from orbicyte.review import database
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.events import new_draft
from orbicyte.review.refusals import ConflictError, RefusedError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path)


@pytest.fixture
def cells(study: Study) -> tuple[str, ...]:
    """The cells of slide ``a``, after a decision of each kind."""
    return decide(study)


def one_line(study: Study, match: str) -> None:
    with pytest.raises(OrbicyteError, match=match) as raised:
        reviewed_cells(study)
    assert "\n" not in str(raised.value)
    assert str(study.review) in str(raised.value)


def decided(study: Study) -> "pd.DataFrame":
    return reviewed_cells(study, ["a"]).set_index("id")[["x_px", "status", "label"]]


@pytest.mark.usefixtures("cells")
def test_an_emptied_log_is_not_an_absent_one(study: Study, tmp_path: Path) -> None:
    log_of(study).write_bytes(b"")
    one_line(study, r"events\.sqlite is empty \(0 bytes\), so all decisions are missing: restore it from a backup")
    out = tmp_path / "out"
    for words in (["export", "csv"], ["export", "geojson"], ["agreement"], ["cut"]):
        options = ["--out", str(out)] if words[0] == "export" else []
        result = CliRunner().invoke(app, [*words, str(study.path), *options])
        assert result.exit_code == 2, result.output
    assert not out.exists()
    with pytest.raises(OrbicyteError, match="is empty"), ReviewStore(study) as store:
        store.append("Ada", [new_draft("a", "1", "check", {"status": "kept"})])
    assert log_of(study).read_bytes() == b""


def header_only(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")


def without_events(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER never_removed")
        connection.execute("DELETE FROM events")
        connection.commit()


def without_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE events RENAME TO others")


def without_column(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for name in ("never_changed", "never_removed", "never_replaced"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("ALTER TABLE events RENAME COLUMN who TO reader")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def moved_target(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("elsewhere.sqlite"))


def journal_alone(path: Path) -> None:
    path.rename(path.with_name(path.name + "-wal"))


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (header_only, "has no table, so all decisions are missing"),
        (without_events, "has lost all of its 4 events: restore it"),
        (without_table, "has no table of events"),
        (without_column, "is damaged .no such column: who.: restore it"),
        (folder, "is not a file"),
        (pipe, "is not a file"),
        (moved_target, "which is missing"),
        (journal_alone, r"is missing, but events\.sqlite-wal beside it is not"),
    ],
)
@pytest.mark.usefixtures("cells")
def test_a_log_without_its_content_is_one_line(study: Study, damage: Callable[[Path], None], match: str) -> None:
    damage(log_of(study))
    one_line(study, match)


@pytest.mark.usefixtures("cells")
def test_a_log_with_a_cut_tail_is_one_line(study: Study) -> None:
    content = log_of(study).read_bytes()
    for length in [1, 50, 99, 100, 512, 4095, *range(4096, len(content), 2048), len(content) - 1]:
        log_of(study).write_bytes(content[:length])
        one_line(study, "is damaged|not written by orbicyte|has no table")


@pytest.mark.usefixtures("cells")
def test_a_log_with_damaged_bytes_never_ends_in_a_traceback(study: Study) -> None:
    content, rng = log_of(study).read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        changed = bytearray(content)
        start = int(rng.integers(0, len(content)))
        changed[start : start + int(rng.integers(1, 200))] = rng.bytes(int(rng.integers(1, 200)))
        log_of(study).write_bytes(changed[: len(content)])
        with suppress(OrbicyteError):
            reviewed_cells(study)
        for rest in study.review.glob("events.sqlite-*"):
            rest.unlink()


def test_lost_events_are_reported(study: Study, cells: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    run(study, "DROP TRIGGER never_removed", "DELETE FROM events WHERE seq IN (1, 3)")
    assert decided(study).loc[cells[1], "x_px"] == 7
    assert "2 events are missing" in capsys.readouterr().err


BAD: dict[str, tuple[str, Any, dict[str, Any]]] = {
    **{f"outline of {name}": ("outline", {"outline_px": points}, {}) for name, points in OUTLINES.items()},
    "infinity": ("move", '{"x_px": Infinity, "y_px": 1}', {}),
    "a position off the slide": ("move", {"x_px": 9999, "y_px": 1}, {}),
    "half a position": ("undo", {"x_px": 5}, {"of": 1}),
    "a huge cell": ("resize", {"diameter_px": 1e7}, {}),
    "an unknown status": ("check", {"status": "eaten"}, {}),
    "a removal": ("check", {"status": "removed"}, {}),
    "an unknown field": ("check", {"status": "kept", "colour": 1}, {}),
    "no fields": ("check", {}, {}),
    "a cell without a size": ("add", {"x_px": 5, "y_px": 5, "status": "kept"}, {"cell": "new"}),
    "an unknown kind": ("erase", {}, {}),
    "no JSON": ("check", "kept", {}),
    "a list": ("check", "[1]", {}),
    "deep JSON": ("check", "[" * 100_000, {}),
    "bad UTF-8 in the fields": ("name", b'{"label": "\xff\xfe"}', {}),
    "bad UTF-8 in the reader": ("check", {"status": "kept"}, {"who": b"E\xffe"}),
    "no reader": ("check", {"status": "kept"}, {"who": ""}),
    "an orphan undo": ("undo", {"status": "kept"}, {"of": 77}),
    "an undo of nothing": ("undo", {"status": "kept"}, {}),
    "a second undo": ("undo", {"status": "kept"}, {"of": 1}),
    "an orphan redo": ("redo", {"status": "kept"}, {"of": 1}),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_old_event_is_left_out_and_listed(
    name: str, study: Study, cells: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = decided(study)
    kind, after, columns = BAD[name]
    write(study, kind, after, **{"cell": cells[0], **columns})
    pd.testing.assert_frame_equal(decided(study), before)
    warning = capsys.readouterr().err
    assert "event 5 (" in warning
    assert f"of cell {columns.get('cell', cells[0])!r} on 'a') is left out: " in warning
    with ReviewStore.open(study) as store:
        store.append("Ada", [new_draft("a", cells[5], "check", {"status": "rejected"})])
        assert [event.seq for event in store.events()][-1] == 6
        assert store.undo("Ada")
        assert "1 events of events.sqlite are missing or left out" in str(store.note)
    result = CliRunner().invoke(app, ["export", "geojson", str(study.path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert len(read_geojson(tmp_path / "out" / "a.geojson")) == 12


def test_an_event_whose_previous_values_are_bad_is_used_and_its_undo_does_no_harm(
    study: Study, cells: tuple[str, ...]
) -> None:
    for before in ('{"outline_px": [1, 2, 3, 4, 5, 6, 7]}', '{"outline_px": [9e5, 9e5, 9e6, 9e5, 9e6, 9e6]}'):
        new = {"outline_px": [1.0, 1.0, 9.0, 1.0, 9.0, 9.0]}
        write(study, "outline", new, cells[4], before=before)
        with ReviewStore.open(study) as store:
            assert store.cells("a")[cells[4]].outline_px == new["outline_px"]
            assert store.undo("Eve")
            assert store.log.note is None
        assert len(reviewed_cells(study, ["a"])) == 12


@pytest.mark.parametrize("name", OUTLINES)
def test_an_outline_that_no_reader_can_use_is_refused(name: str, study: Study, cells: tuple[str, ...]) -> None:
    with ReviewStore.open(study) as store:
        good = new_draft("a", cells[5], "check", {"status": "kept"})
        with pytest.raises(RefusedError, match="outline"):
            store.append("Ada", [good, new_draft("a", cells[0], "outline", {"outline_px": OUTLINES[name]})])
        assert len(store.events()) == 4


@pytest.mark.parametrize("name", [name for name in OUTLINES if name != "7 numbers"])
def test_import_refuses_such_an_outline_and_names_its_feature(
    name: str, study: Study, tmp_path: Path, cells: tuple[str, ...]
) -> None:
    points = np.reshape(OUTLINES[name], (-1, 2)).tolist()
    geometry = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
    feature = {"type": "Feature", "id": cells[0], "geometry": geometry, "properties": {"objectType": "detection"}}
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps([feature]))
    result = CliRunner().invoke(app, ["import-cells", str(study.path), str(file)])
    assert result.exit_code == 2, result.output
    assert f"{file}, feature 1" in result.stderr
    with ReviewStore.open(study) as store:
        assert len(store.events()) == 4


CHANGED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("check", {"status": "kept"}, {"status": "rejected"}),
    ("move", {"x_px": 3, "y_px": 4}, {"x_px": 3, "y_px": 5}),
    ("name", {"label": "myelocyte"}, {"label": None}),
    ("add", {"x_px": 3, "y_px": 4, "diameter_px": 30}, {"x_px": 3, "y_px": 4, "diameter_px": 31}),
    ("outline", {"outline_px": [1, 1, 9, 1, 9, 9]}, {"outline_px": [1, 1, 9, 1, 9, 9, 1, 9]}),
]


@pytest.mark.parametrize(("kind", "after", "other"), CHANGED)
def test_an_id_is_used_again_only_for_the_same_content(
    kind: str, after: dict[str, Any], other: dict[str, Any], study: Study, cells: tuple[str, ...]
) -> None:
    sent = new_draft("a", "new" if kind == "add" else cells[6], kind, after)
    with ReviewStore.open(study) as store:
        saved = store.append("Ada", [sent])
        assert store.append("Ada", [sent]) == saved
        with pytest.raises(ConflictError, match=f"{sent['id']} belongs to another event"):
            store.append("Ada", [{**sent, "after": other}])
        twice = new_draft("a", cells[7], "check", {"status": "kept"})
        with pytest.raises(ConflictError, match="another event"):  # in one batch, of which nothing is saved
            store.append("Ada", [twice, {**twice, "after": {"status": "rejected"}}])
        assert len(store.events()) == 5
        assert store.events()[-1].after.items() >= sent["after"].items()


def test_the_id_of_an_event_that_is_left_out_is_not_used_again(study: Study, cells: tuple[str, ...]) -> None:
    write(study, "check", {"status": "eaten"}, cells[0], id="once")
    with ReviewStore.open(study) as store, pytest.raises(ConflictError, match="another event"):
        store.append("Eve", [{**new_draft("a", cells[0], "check", {"status": "kept"}), "id": "once"}])


def test_a_new_cell_cannot_have_the_id_of_one_on_another_slide(study: Study, cells: tuple[str, ...]) -> None:
    circle = {"x_px": 3, "y_px": 4, "diameter_px": 30}
    with ReviewStore.open(study) as store:
        store.append("Ada", [new_draft("a", "new", "add", circle)])
        for taken in ("new", cells[0]):
            with pytest.raises(ConflictError, match="is on a"):
                store.append("Ada", [new_draft("b", taken, "add", circle)])


def test_a_decision_keeps_the_earlier_ones_without_copying_them(study: Study, cells: tuple[str, ...]) -> None:
    with ReviewStore.open(study) as store:
        first = store.cells("a")[cells[0]].decisions["status"]
        for status in ("rejected", "kept") * 50:
            store.append("Ada", [new_draft("a", cells[0], "check", {"status": status})])
        last = store.cells("a")[cells[0]].decisions["status"]
        for _ in range(100):
            assert last.earlier is not None
            last = last.earlier
        assert last is first


def test_the_log_is_created_whole_or_not_at_all(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    draft = new_draft("a", "new", "add", {"x_px": 3, "y_px": 4, "diameter_px": 30})
    with monkeypatch.context() as patched, ReviewStore.open(study) as store:
        patched.setattr("orbicyte.review.database.os.link", killed)
        with pytest.raises(KeyboardInterrupt):
            store.append("Ada", [draft])
    assert list(study.review.iterdir()) == []
    with ReviewStore.open(study) as store:
        assert store.append("Ada", [draft]) == [(draft["id"], 1)]
    database.create(log_of(study))  # another process was first: its events stay
    with ReviewStore.open(study) as store:
        assert len(store.events()) == 1
