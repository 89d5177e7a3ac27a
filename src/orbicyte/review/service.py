"""All that the server works with: the log, the names, the pictures; and what its page is told about the study."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.review.agreement import agreements, blinded, given_names
from orbicyte.review.classes import RESERVED_KEYS, keyed
from orbicyte.review.columns import cell_columns, counts
from orbicyte.review.events import Event, read_drafts
from orbicyte.review.pictures import TILE_PX, Pictures
from orbicyte.review.refusals import NotNowError, RefusedError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.classes import RESERVED
from orbicyte.study.slides import cells_path, read_record
from orbicyte.study.types import predicted_types, types_path


class ReviewService:
    """One study under review. May be used by many threads."""

    def __init__(self, study: Study, classes: list[str]) -> None:
        self.study = study
        self.id = study.id
        self.classes = classes
        self.store = ReviewStore.open(study)
        self.pictures = Pictures()
        self._outlines: dict[tuple[str, int], dict[str, Any]] = {}

    def overview(self) -> dict[str, Any]:
        """The study: what may be done, the names, the readers, and each slide with its counts."""
        slides = self.store.slides()
        with ThreadPoolExecutor(4) as threads:
            told = list(threads.map(self._slide, slides))
        named = sorted({who for slide in told for who in slide["named"]})
        return {
            "id": self.id,
            "study": self.study.path.resolve().name,
            "version": version("orbicyte"),
            "writable": self.store.writable,
            "note": self.store.note,
            "classes": keyed([*self.classes, *sorted(self.store.names() - {*self.classes, *RESERVED})]),
            "extra": [{"name": name, "key": key} for name, key in RESERVED_KEYS.items()],
            "readers": named,
            "predicted": types_path(self.study).exists(),
            "slides": told,
        }

    def cells(self, slide: str, reader: str) -> dict[str, Any]:
        """The columns of the cells of ``slide`` as ``reader`` sees them, and the ``seq`` up to which they are true."""
        seq = self.store.catch_up()
        return {"seq": seq, **cell_columns(self.store.cells(slide), reader, predicted_types(self.study, slide))}

    def outline(self, slide: str, cell: str) -> list[float] | None:
        """The cell's outline as found or drawn; None where it was moved, resized or added since."""
        state = self.store.cells(slide).get(cell)
        if state is None:
            raise RefusedError(f"{slide} has no cell {cell}")
        points = state.outline(self._found_outlines(slide).get(cell))
        return None if points is None else [round(float(value), 2) for value in points]

    def events(self, since: int, reader: str) -> dict[str, Any]:
        """What happened after ``since``, but for the names that others gave."""
        self.store.catch_up()  # crops that the page asks for next are then of where cells are by now
        events = self.store.events(since)
        newest = events[-1].seq if events else since
        return {"seq": newest, "events": [event._asdict() for event in events if _open(event, reader)]}

    def check_study(self, id_: str | None) -> None:
        """Raise ``NotNowError`` if a page of another study asks, left open from a server before this one."""
        if id_ not in (None, self.id):
            raise NotNowError(f"{self.study.path.resolve().name} is served here now, which is another study")

    def append(self, reader: str, events: list[dict[str, Any]], batch: str | None = None) -> dict[str, Any]:
        """Append to one batch. Raises as ``ReviewStore.append``, and ``RefusedError`` for an unknown name or slide."""
        drafts, slides = read_drafts(events), self.store.slides()
        for slide in {draft.slide for draft in drafts}:
            if slides and slide not in slides:
                raise RefusedError(f"this study has no slide {slide!r}")
        names = {draft.after.label for draft in drafts if draft.kind == "name"} - {None}
        for name in names - {*self.classes, *RESERVED}:
            if name not in self.store.names():
                raise RefusedError(f"{name!r} is none of this study's names")
        saved = self.store.append(reader, events, batch)
        return {"saved": [{"id": id_, "seq": seq} for id_, seq in saved], "seq": self.store.seq}

    def turn(self, reader: str, kind: str) -> dict[str, Any]:
        """Undo or redo; ``note`` tells how many decisions stay because others decided since."""
        events = self.store.undo(reader) if kind == "undo" else self.store.redo(reader)
        stayed = sum(not event.after for event in events)
        note = f"{stayed} of {len(events)} stay as they are: somebody else decided about them since" if stayed else None
        return {"seq": self.store.seq, "events": [event._asdict() for event in events], "note": note}

    def agreement(self) -> dict[str, Any]:
        """Of each pair of readers, without what would tell single names."""
        return {"pairs": [blinded(pair) for pair in agreements(given_names(self.store))]}

    def tile(self, slide: str, level: int, column: int, row: int) -> bytes:
        """A JPEG. Raises ``OrbicyteError`` if there is no such tile or slide."""
        return self.pictures.tile(self.store.record(slide), level, column, row)

    def crop(self, slide: str, cell: str, side_px: int, side_um: float) -> bytes:
        """A JPEG with the cell in its centre. Raises ``OrbicyteError`` if there is no such cell or slide."""
        record, state = self.store.record(slide), self.store.cell(slide, cell)
        if state is None:
            raise RefusedError(f"{slide} has no cell {cell}")
        return self.pictures.crop(record, state.x_px, state.y_px, side_px, side_um)

    def _slide(self, name: str) -> dict[str, Any]:
        empty: dict[str, Any] = counts({})
        try:
            record = read_record(self.study, name)
        except OrbicyteError as error:
            none = {"width_px": 0, "height_px": 0, "mpp": 0.0}
            return {"name": name, **none, "tile_px": TILE_PX, **empty, "problem": str(error)}
        size = {"width_px": record.width_px, "height_px": record.height_px, "mpp": record.mpp, "tile_px": TILE_PX}
        try:
            found = counts(self.store.cells(name))
        except OrbicyteError as error:
            return {"name": name, **size, **empty, "problem": str(error)}
        return {"name": name, **size, **found, "problem": self.pictures.problem(record)}

    def _found_outlines(self, slide: str) -> dict[str, Any]:
        stamp = cells_path(self.study, slide).stat().st_mtime_ns
        if (slide, stamp) not in self._outlines:
            table = read_cells(self.study, slide)
            self._outlines = {(slide, stamp): dict(zip(table["id"], table["outline_px"], strict=True))}
        return self._outlines[slide, stamp]


def _open(event: Event, reader: str) -> bool:
    """Whether ``reader`` may know of ``event``: readers name cells blind to each other."""
    return event.who == reader or "label" not in {*event.before, *event.after}
