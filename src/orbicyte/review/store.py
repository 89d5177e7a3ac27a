"""What people decided: appended to ``STUDY/review/events.sqlite``, never changed, and folded to the state of cells.

Several threads share a ``ReviewStore``, several processes a file. Each write holds the file, first reads what others
appended, and so knows the state it changes; ``before`` of every event is true.
"""

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from pydantic_core import from_json, to_json

from orbicyte.review import database
from orbicyte.review.events import Draft, Event, Fields, read_drafts
from orbicyte.review.history import Histories, put_back, taken_back
from orbicyte.review.mounts import network_share
from orbicyte.review.refusals import ConflictError, NotNowError, ReadOnlyError, RefusedError
from orbicyte.review.replay import Cells, CellState, applied, found, replay
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import SlideRecord, cells_path, read_record, slide_names

COLUMNS = "seq, id, at, who, slide, cell, kind, before, after, batch, of"


class _Slide:
    """The cells of a slide now, and of which detection."""

    def __init__(self, study: Study, name: str, stamp: int) -> None:
        self.stamp = stamp
        self.record: SlideRecord = read_record(study, name)
        self.cells: Cells = found(self.record, read_cells(study, name))
        self.found = len(self.cells)
        self.lost = 0


class ReviewStore:
    """The log of one study. Make it with ``ReviewStore.open``; ``close`` it, or use it in ``with``."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.path = study.review / "events.sqlite"
        self.share = network_share(study.path)
        self.writable = database.writable(self.path)
        self.seq = 0
        """Of the newest event that is known here."""
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._lock = RLock()
        self._slides: dict[str, _Slide] = {}
        self._histories = Histories()
        self._labels: dict[tuple[str, str, str], str | None] = {}

    @classmethod
    def open(cls, study: Study) -> "ReviewStore":
        """The log of ``study``; a file is made by the first event.

        Raises ``OrbicyteError`` if the file is damaged, of a newer format, or none of ours.
        """
        store = cls(study)
        store.catch_up()
        return store

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def __enter__(self) -> "ReviewStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def note(self) -> str | None:
        """One line where something is not as usual."""
        if not self.writable:
            return "this study is read-only: it can be looked at, nothing can be decided"
        if self.share:
            return (
                f"this study lies on a network share ({self.share}), where SQLite's write-ahead log does not hold: "
                "the slower rollback journal is used, and people on different machines depend on the share's locks"
            )
        return None

    def events(self, since: int = 0) -> list[Event]:
        """All events whose ``seq`` is greater than ``since``, oldest first."""
        with self._lock:
            return list(self._select("seq > ?", since))

    def catch_up(self) -> int:
        """Take account of what other processes appended; return the newest ``seq``."""
        with self._lock:
            for event in self._select("seq > ?", self.seq):
                self._add(event)
            return self.seq

    def cells(self, slide: str) -> Cells:
        """The cells of ``slide`` now, by id, removed ones among them.

        Raises ``OrbicyteError`` if the study has no such slide, or no cells were looked for on it.
        """
        with self._lock:
            self.catch_up()
            return dict(self._slide(slide).cells)

    def names(self) -> set[str]:
        """The names that cells have, by any reader."""
        with self._lock:
            self.catch_up()
            return {label for label in self._labels.values() if label is not None}

    def lost(self, slide: str) -> int:
        """How many events are about cells that a later detection did not find again."""
        with self._lock:
            self.catch_up()
            return self._slide(slide).lost

    def append(
        self, reader: str, events: Sequence[Mapping[str, Any]], batch: str | None = None
    ) -> list[tuple[str, int]]:
        """Append ``events`` of ``reader`` as one batch, all or none; return id and ``seq`` of each, once on disk.

        An event is ``{"id", "slide", "cell", "kind", "after"}`` as in ``orbicyte.review.events``. One whose id is
        known is not appended again, so a batch may be sent twice. Raises ``RefusedError``, ``ConflictError`` (no
        such cell, an id used for something else), ``ReadOnlyError`` ``NotNowError`` or ``DiskFullError``.
        """
        drafts = read_drafts(events)
        if not reader.strip():
            raise RefusedError("reader: a name is needed")
        saved: dict[str, int] = {}
        with self._writing(reader, batch or str(uuid.uuid4())) as writing:
            for draft in drafts:
                saved[draft.id] = self._known(draft, reader) or self._append(writing, draft)
        return list(saved.items())

    def undo(self, reader: str) -> list[Event]:
        """Take back the last batch of ``reader`` that is in force; the events appended, none if there is no such."""
        return self._turn(reader, "undo")

    def redo(self, reader: str) -> list[Event]:
        """Put back what ``reader`` undid last, if nothing was decided since; the events appended."""
        return self._turn(reader, "redo")

    def _turn(self, reader: str, kind: str) -> list[Event]:
        inverse = taken_back if kind == "undo" else put_back
        with self._writing(reader, str(uuid.uuid4())) as writing:
            history = self._histories[reader]
            batches = history.done if kind == "undo" else history.undone
            last = list(self._select("batch = ? AND who = ?", batches[-1], reader)) if batches else []
            for event in reversed(last):
                cell = writing.cell(event.slide, event.cell)
                before, after = inverse(event, cell) if cell else ({}, {})
                writing.insert(str(uuid.uuid4()), event.slide, event.cell, kind, before, after, event.seq)
        return writing.events

    def _append(self, writing: "_Writing", draft: Draft) -> int:
        cell = writing.cell(draft.slide, draft.cell)
        after = draft.after.model_dump()
        if draft.kind == "add":
            if cell:
                raise ConflictError(f"there is a cell {draft.cell} on {draft.slide} already")
            before, after = {"status": "removed"}, {**after, "status": "kept"}
        elif cell is None or cell.status == "removed":
            raise ConflictError(f"there is no cell {draft.cell} on {draft.slide} (any more): load the page again")
        else:
            before = cell.fields(after, writing.who)
        self._check_place(draft.slide, after)
        return writing.insert(draft.id, draft.slide, draft.cell, draft.kind, before, after)

    def _check_place(self, slide: str, after: Fields) -> None:
        record = self._slide(slide).record
        x_px, y_px = after.get("x_px", 0.0), after.get("y_px", 0.0)
        if not (0 <= x_px <= record.width_px and 0 <= y_px <= record.height_px):
            raise RefusedError(f"({x_px:.0f}, {y_px:.0f}) is not on {slide}, {record.width_px} x {record.height_px} px")
        if after.get("diameter_px", 0.0) > max(record.width_px, record.height_px):
            raise RefusedError(f"a cell of {after['diameter_px']:.0f} px is larger than {slide}")

    def _known(self, draft: Draft, reader: str) -> int | None:
        for event in self._select("id = ?", draft.id):
            if (event.who, event.slide, event.cell, event.kind) != (reader, draft.slide, draft.cell, draft.kind):
                raise ConflictError(f"the event {draft.id} is known as another one: give each its own id")
            return event.seq
        return None

    @contextmanager
    def _writing(self, who: str, batch: str) -> Iterator["_Writing"]:
        """A transaction in which this process knows all events; what it appended counts once it is committed."""
        if not self.writable:
            raise ReadOnlyError(f"{self.study.path} is read-only: it can be looked at, nothing can be decided")
        with self._lock, database.mistakes_told(self.path):
            connection = self._connected(make=True)
            if not connection or _identity(self.path) != self._opened:
                raise NotNowError(f"{self.path} was moved or replaced while it was open: start again")
            with database.transaction(connection):
                self.catch_up()
                writing = _Writing(self, connection, who, batch)
                yield writing
            for event in writing.events:
                self._add(event)

    def _connected(self, *, make: bool = False) -> sqlite3.Connection | None:
        if not self._connection and (make or self.path.exists()):
            look = not self.writable
            self._connection = (
                database.connect_to_look(self.path) if look else database.connect(self.path, shared=bool(self.share))
            )
            self._opened = _identity(self.path)
        return self._connection

    def _select(self, where: str, *values: object) -> Iterator[Event]:
        connection = self._connected()
        if not connection:
            return
        with database.mistakes_told(self.path):
            rows = connection.execute(f"SELECT {COLUMNS} FROM events WHERE {where} ORDER BY seq", values).fetchall()
        for seq, id_, at, who, slide, cell, kind, before, after, batch, of in rows:
            yield Event(seq, id_, at, who, slide, cell, kind, from_json(before), from_json(after), batch, of)

    def _add(self, event: Event) -> None:
        self.seq = event.seq
        self._histories.add(event)
        if "label" in event.after:
            self._labels[event.who, event.slide, event.cell] = event.after["label"]
        slide = self._slides.get(event.slide)
        if slide:
            slide.lost += replay(slide.cells, [event])

    def _slide(self, name: str) -> _Slide:
        """The slide's cells up to ``self.seq``, built anew after another detection."""
        try:
            stamp = cells_path(self.study, name).stat().st_mtime_ns
        except OSError:
            stamp = 0
        slide = self._slides.get(name)
        if slide is None or slide.stamp != stamp:
            slide = _Slide(self.study, name, stamp)
            slide.lost = replay(slide.cells, self._select("slide = ? AND seq <= ?", name, self.seq))
            self._slides[name] = slide
        return slide

    def cell(self, slide: str, cell: str) -> CellState | None:
        """The cell ``cell`` of ``slide`` as far as events are known here; None if there is none."""
        with self._lock:
            return self._slide(slide).cells.get(cell)

    def record(self, slide: str) -> SlideRecord:
        """What the study knows of ``slide``. Raises ``OrbicyteError`` if it has no such slide."""
        with self._lock:
            return self._slide(slide).record

    def slides(self) -> list[str]:
        """Names of the slides on which cells were looked for."""
        return slide_names(self.study)


class _Writing:
    """One batch in a transaction: the events so far, and the cells as they make them."""

    def __init__(self, store: ReviewStore, connection: sqlite3.Connection, who: str, batch: str) -> None:
        self.store, self.connection, self.who, self.batch = store, connection, who, batch
        self.events: list[Event] = []
        self._cells: dict[tuple[str, str], CellState | None] = {}

    def cell(self, slide: str, cell: str) -> CellState | None:
        """The cell as this batch leaves it so far."""
        return self._cells[slide, cell] if (slide, cell) in self._cells else self.store.cell(slide, cell)

    def insert(
        self, id_: str, slide: str, cell: str, kind: str, before: Fields, after: Fields, of: int | None = None
    ) -> int:
        """Append one event; return its ``seq``."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        texts = (to_json(before).decode(), to_json(after).decode())
        row = (id_, at, self.who, slide, cell, kind, *texts, self.batch, of)
        marks = ", ".join("?" * len(row))
        seq = self.connection.execute(f"INSERT INTO events ({COLUMNS[5:]}) VALUES ({marks})", row).lastrowid
        assert seq
        event = Event(seq, id_, at, self.who, slide, cell, kind, before, after, self.batch, of)
        self.events.append(event)
        self._cells[slide, cell] = applied(self.cell(slide, cell), event)
        return seq


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino
