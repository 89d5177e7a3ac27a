"""Decisions of readers: appended to ``STUDY/review/events.sqlite``, never changed, and replayed to the state of cells.

Several threads may share a ``ReviewStore``, and several processes a file. Each write locks the file and first reads
what others appended, so that ``before`` of every event is the state it changes. Reading does not wait for writers.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import pandas as pd

from orbicyte.review.events import Draft, Event, read_drafts
from orbicyte.review.history import Histories, History, redo_of, undo_of
from orbicyte.review.ids import CellIds
from orbicyte.review.log import EventLog
from orbicyte.review.mounts import network_share
from orbicyte.review.new_batch import NewBatch
from orbicyte.review.place import misplaced
from orbicyte.review.refusals import ConflictError, RefusedError
from orbicyte.review.replay import Cells, CellState, found, replay
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import SlideRecord, cells_path, read_record, slide_names


class _Slide:
    """The cells of a slide now; ``stamp``: which table of detected cells they come from."""

    def __init__(self, record: SlideRecord, table: pd.DataFrame, stamp: int) -> None:
        self.stamp = stamp
        self.record = record
        self.cells: Cells = found(record, table)
        self.lost = 0

    def apply(self, events: Iterable[Event], log: EventLog) -> None:
        """Apply events of this slide; those that are not on it are left out."""
        for event in events:
            if problem := misplaced(event.after, self.record):
                log.leave_out(event.seq, event.name, f"it {problem}")
            else:
                self.lost += replay(self.cells, [event])


class ReviewStore:
    """The log of one study. Create it with ``ReviewStore.open``; ``close`` it, or use it in ``with``."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.share = network_share(study.path)
        self.log = EventLog(study.review / "events.sqlite", shared=bool(self.share))
        self.seq = 0
        """Number of the newest event read so far; 0: none."""
        self._lock = RLock()
        self._slides: dict[str, _Slide] = {}
        self._table: tuple[str, int, pd.DataFrame] | None = None
        self._histories = Histories()
        self._ids = CellIds(study)
        self._labels: dict[tuple[str, str, str], str | None] = {}

    @classmethod
    def open(cls, study: Study) -> "ReviewStore":
        """The log of ``study``; the first event creates the file.

        Raises ``OrbicyteError`` if the file is damaged, empty, of a newer format, or not an orbicyte file.
        """
        store = cls(study)
        try:
            store.catch_up()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the file."""
        self.log.close()

    def __enter__(self) -> "ReviewStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file of events."""
        return self.log.path

    @property
    def writable(self) -> bool:
        """Whether decisions can be saved."""
        return self.log.writable

    @property
    def note(self) -> str | None:
        """One line if the study is read-only or on a network share, or events are left out; else None."""
        notes = [self.log.note]
        if not self.writable:
            notes.append("this study is read-only: decisions cannot be saved")
        elif self.share:
            notes.append(
                f"this study is on a network share ({self.share}), where SQLite's write-ahead log does not work: the "
                "slower rollback journal is used, and readers on different machines rely on the share's file locks"
            )
        return "; ".join(filter(None, notes)) or None

    def events(self, since: int = 0) -> list[Event]:
        """All events whose ``seq`` is greater than ``since``, oldest first."""
        newest = self.catch_up()
        return self.log.events("seq > ? AND seq <= ?", since, newest)

    def catch_up(self) -> int:
        """Read what was appended since; return the newest ``seq``."""
        with self._lock:
            for event in self.log.events("seq > ?", self.seq):
                self._add(event)
            return self.seq

    def cells(self, slide: str) -> Cells:
        """The cells of ``slide`` now, by id, removed ones included.

        Raises ``OrbicyteError`` if the study has no such slide, or no table of cells detected on it.
        """
        with self._lock:
            self.catch_up()
            return dict(self._slide(slide).cells)

    def found_cells(self, slide: str) -> pd.DataFrame:
        """The table of the cells detected on ``slide``, columns of ``orbicyte.study.cells.SCHEMA``; do not change it.

        Only the table read last is kept in memory. Raises ``OrbicyteError`` if there is none, or if it is damaged.
        """
        with self._lock:
            stamp = self._stamp(slide)
            if self._table is None or self._table[:2] != (slide, stamp):
                self._table = (slide, stamp, read_cells(self.study, slide))
            return self._table[2]

    def labels(self) -> set[str]:
        """The labels that any reader gave to cells."""
        with self._lock:
            self.catch_up()
            return {label for label in self._labels.values() if label is not None}

    def readers(self) -> list[str]:
        """The names of all who made decisions, sorted."""
        with self._lock:
            self.catch_up()
            return sorted(who for who, history in self._histories.items() if history.done or history.undone)

    def next_step(self, reader: str, kind: str) -> list[Event]:
        """The events that ``undo`` or ``redo``, the ``kind``, of ``reader`` would revert; none if there are none."""
        with self._lock:
            self.catch_up()
            return self._last_batch(reader, kind)

    def lost(self, slide: str) -> int:
        """The number of events about cells that a later detection did not detect again."""
        with self._lock:
            self.catch_up()
            return self._slide(slide).lost

    def append(
        self, reader: str, events: Sequence[Mapping[str, Any]], batch: str | None = None
    ) -> list[tuple[str, int]]:
        """Append ``events`` of ``reader`` as one batch, all or none, to disk; return id and ``seq`` of each.

        An event is ``{"id", "slide", "cell", "kind", "after"}`` as in ``orbicyte.review.events``. One whose id is
        known is not appended again, so a batch may be sent twice. Raises ``RefusedError``, ``ConflictError`` (no
        such cell, an id used for another event), ``ReadOnlyError``, ``NotNowError`` or ``DiskFullError``.
        """
        drafts = read_drafts(events)
        if not reader.strip():
            raise RefusedError("reader: a name is required")
        saved: dict[str, int] = {}
        with self._writing(reader, batch or str(uuid.uuid4())) as writing:
            for draft in drafts:
                saved[draft.id] = self._known(writing, draft) or self._append(writing, draft)
        return list(saved.items())

    def undo(self, reader: str) -> list[Event]:
        """Undo the last batch of ``reader`` not yet undone; return the events appended, none if there is no batch."""
        return self._undo_or_redo(reader, "undo")

    def redo(self, reader: str) -> list[Event]:
        """Redo the last undo of ``reader``, if they decided nothing since; return the events appended."""
        return self._undo_or_redo(reader, "redo")

    def _undo_or_redo(self, reader: str, kind: str) -> list[Event]:
        inverse = undo_of if kind == "undo" else redo_of
        with self._writing(reader, str(uuid.uuid4())) as writing:
            for event in reversed(self._last_batch(reader, kind)):
                cell = writing.cell(event.slide, event.cell)
                before, after = inverse(event, cell) if cell else ({}, {})
                if misplaced(after, self.record(event.slide)):
                    before, after = {}, {}
                writing.insert(str(uuid.uuid4()), event.slide, event.cell, kind, before, after, event.seq)
        return writing.events

    def _last_batch(self, reader: str, kind: str) -> list[Event]:
        history = self._histories.get(reader, History())
        batches = history.done if kind == "undo" else history.undone
        return self.log.events("batch = ? AND who = ?", batches[-1], reader) if batches else []

    def _append(self, writing: NewBatch, draft: Draft) -> int:
        cell = writing.cell(draft.slide, draft.cell)
        after = draft.after.model_dump()
        if draft.kind == "add":
            if cell:
                raise ConflictError(f"cell {draft.cell} already exists on {draft.slide}")
            if other := self._ids.elsewhere(draft.slide, draft.cell):
                raise ConflictError(f"cell {draft.cell} is on {other}: give a new cell an id of its own")
            before, after = {"status": "removed"}, {**after, "status": "kept"}
        elif cell is None or cell.status == "removed":
            raise ConflictError(f"cell {draft.cell} does not exist on {draft.slide}, or was removed: reload the page")
        else:
            before = cell.fields(after, writing.who)
        if problem := misplaced(after, self.record(draft.slide)):
            raise RefusedError(f"cell {draft.cell} on {draft.slide} {problem}")
        return writing.insert(draft.id, draft.slide, draft.cell, draft.kind, before, after)

    def _known(self, writing: NewBatch, draft: Draft) -> int | None:
        """The number of the event with the draft's id; None if there is none. Raises ``ConflictError`` for another."""
        sent = (writing.who, draft.slide, draft.cell, draft.kind, draft.after.model_dump().items())
        for event in self.log.events("id = ?", draft.id, writer=writing.connection):
            same = (event.who, event.slide, event.cell, event.kind) == sent[:4] and sent[4] <= event.after.items()
            if same:
                return event.seq
        if self.log.has_id(draft.id, writing.connection):
            raise ConflictError(f"the id {draft.id} belongs to another event: give each event its own id")
        return None

    @contextmanager
    def _writing(self, who: str, batch: str) -> Iterator[NewBatch]:
        """A transaction in which all events are known; the events it appended take effect when it is committed."""
        with self.log.writing() as connection:
            self.catch_up()
            yield NewBatch(self.cell, connection, who, batch)
        self.catch_up()

    def _add(self, event: Event) -> None:
        self.seq = event.seq
        if problem := self._histories.problem(event) or self._ids.problem(event):
            self.log.leave_out(event.seq, event.name, problem)
            return
        self._histories.add(event)
        self._ids.add(event)
        if "label" in event.after:
            self._labels[event.who, event.slide, event.cell] = event.after["label"]
        slide = self._slides.get(event.slide)
        if slide:
            slide.apply([event], self.log)

    def _slide(self, name: str) -> _Slide:
        """The slide's cells up to event ``self.seq``, built again after another detection."""
        stamp = self._stamp(name)
        slide = self._slides.get(name)
        if slide is None or slide.stamp != stamp:
            slide = _Slide(read_record(self.study, name), self.found_cells(name), stamp)
            slide.apply(self.log.events("slide = ? AND seq <= ?", name, self.seq), self.log)
            self._slides[name] = slide
        return slide

    def _stamp(self, slide: str) -> int:
        """When the table of detected cells was written; 0 if there is none."""
        try:
            return cells_path(self.study, slide).stat().st_mtime_ns
        except OSError:
            return 0

    def cell(self, slide: str, cell: str) -> CellState | None:
        """The cell ``cell`` of ``slide`` after the events read so far; None if there is none."""
        with self._lock:
            return self._slide(slide).cells.get(cell)

    def record(self, slide: str) -> SlideRecord:
        """The record of ``slide``. Raises ``OrbicyteError`` if it has no such slide."""
        with self._lock:
            return self._slide(slide).record

    def slides(self) -> list[str]:
        """Names of the slides on which cells were detected."""
        return slide_names(self.study)
