"""The file of events: only appended to, on disk when reported as saved, and with clear errors."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.database import FORMAT, connect_read_only
from orbicyte.review.refusals import DiskFullError, ReadOnlyError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells

Drafting = Callable[..., dict[str, Any]]

AS_NOBODY = """
import os, sys
import concurrent.futures.thread  # pyarrow imports it late, when user nobody may not read it
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.refusals import ReadOnlyError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
if os.geteuid() == 0:
    os.setuid(65534)
study = Study.open(sys.argv[1])
with ReviewStore.open(study) as store:
    print(store.writable, len(store.events()), (reviewed_cells(study)["status"] == "kept").sum())
    try:
        store.undo("Ada")
    except ReadOnlyError as error:
        print(error)
"""


@pytest.fixture
def decided(found: Study, draft: Drafting) -> Study:
    """A study in which one cell of slide ``a`` is kept."""
    with ReviewStore.open(found) as store:
        store.append("Ada", [draft("a", str(read_cells(found, "a")["id"][0]), "check", status="kept")])
    return found


@pytest.fixture
def file(decided: Study) -> Path:
    return decided.review / "events.sqlite"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET who = 'Bo'",
        "DELETE FROM events",
        "REPLACE INTO events SELECT seq, 'x', at, 'Bo', slide, cell, kind, before, after, batch, of FROM events",
        "REPLACE INTO events SELECT 9, id, at, 'Bo', slide, cell, kind, before, after, batch, of FROM events",
    ],
)
def test_events_cannot_be_changed_removed_or_replaced(statement: str, file: Path) -> None:
    with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError, match="never"):
        connection.execute(statement)
    connection.close()


def test_a_commit_is_on_disk_before_it_is_reported(decided: Study) -> None:
    with ReviewStore.open(decided) as store, store.log.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_on_a_network_share_the_rollback_journal_is_used_and_noted(
    decided: Study, file: Path, draft: Drafting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = tmp_path / "proc" / "self" / "mounts"
    table.parent.mkdir(parents=True)
    table.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/work {tmp_path.resolve()} nfs4 rw 0 0\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    with ReviewStore.open(decided) as store:
        assert store.note is not None
        assert "network share (nfs4)" in store.note
        store.append("Ada", [draft("a", cell, "check", status="kept") for cell in store.cells("a")])
        with store.log.writing() as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert len(store.events()) == 13
    assert not file.with_name("events.sqlite-wal").exists()


def test_a_newer_format_is_an_error(decided: Study, file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(OrbicyteError, match=f"format {FORMAT + 1}, this orbicyte reads up to {FORMAT}"):
        ReviewStore.open(decided)


def test_a_database_of_another_program_is_not_changed(decided: Study, file: Path) -> None:
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    content = file.read_bytes()
    with pytest.raises(OrbicyteError, match="not written by orbicyte"):
        ReviewStore.open(decided)
    assert file.read_bytes() == content


@pytest.mark.parametrize("damage", [b"\0" * 4096, b"no database at all" * 100])
def test_a_damaged_file_is_a_one_line_error(damage: bytes, decided: Study, file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(damage + content[len(damage) :])
    with pytest.raises(OrbicyteError, match=r"events\.sqlite (is damaged|was not written by orbicyte)"):
        ReviewStore.open(decided).events()


def test_damage_in_later_pages_is_a_one_line_error(decided: Study, file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(OrbicyteError, match="is damaged"):
        ReviewStore.open(decided)


def test_a_full_disk_saves_nothing_of_the_batch_and_keeps_earlier_events(decided: Study, draft: Drafting) -> None:
    with ReviewStore.open(decided) as store:
        with store.log.writing() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        cells, before = sorted(store.cells("a")), store.cells("a")
        with pytest.raises(DiskFullError, match="free some disk space"):
            store.append("Ada", [draft("a", cells[i % 12], "resize", diameter_px=i + 1) for i in range(2000)])
        assert store.cells("a") == before
        assert len(store.events()) == 1
        connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
        store.append("Ada", [draft("a", cells[0], "resize", diameter_px=3)])
    with ReviewStore.open(decided) as store:
        assert [event.seq for event in store.events()] == [1, 2]


def test_a_read_only_study_can_be_viewed(decided: Study, file: Path) -> None:
    for folder in (decided.path, *decided.path.parents):
        is_own = folder.stat().st_uid == decided.path.stat().st_uid
        if is_own and folder.name.startswith(("test_", "pytest-", "popen-")):
            folder.chmod(0o755)
    for path in decided.path.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    decided.path.chmod(0o555)
    words = [sys.executable, "-c", AS_NOBODY, str(decided.path)]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    for path in (decided.path, *decided.path.rglob("*")):
        path.chmod(0o755)
    assert result.returncode == 0, result.stderr
    state, refusal = result.stdout.splitlines()
    assert state == "False 1 1"
    assert "read-only" in refusal


def test_decisions_in_the_write_ahead_log_of_a_read_only_folder_are_not_passed_over(
    decided: Study, file: Path, draft: Drafting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.sqlite"
    with ReviewStore.open(decided) as store:
        store.append("Ada", [draft("a", sorted(store.cells("a"))[0], "check", status="rejected")])
        copied.with_name("copied.sqlite-wal").write_bytes(file.with_name("events.sqlite-wal").read_bytes())
        copied.write_bytes(file.read_bytes())

    def opened(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
        # as SQLite does in a folder in which it cannot make the log's index
        return sqlite3.connect("file:/no/such/folder/x?mode=ro" if mode == "ro" else path, uri=True)

    monkeypatch.setattr("orbicyte.review.database._opened", opened)
    with pytest.raises(OrbicyteError, match=r"the newest decisions are in .*copied\.sqlite-wal"):
        connect_read_only(copied)


def test_a_read_only_study_has_a_note(decided: Study, monkeypatch: pytest.MonkeyPatch, draft: Drafting) -> None:
    monkeypatch.setattr("orbicyte.review.database.os.access", lambda *_: False)
    with ReviewStore.open(decided) as store:
        assert store.note is not None
        assert "read-only" in store.note
        cell = sorted(store.cells("a"))[0]
        with pytest.raises(ReadOnlyError, match="read-only"):
            store.append("Ada", [draft("a", cell, "check", status="rejected")])
        assert len(store.events()) == 1
