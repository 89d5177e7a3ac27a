"""What the server answers to the page: the study, its cells, decisions, agreement, tiles and crops."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

from orbicyte.classification.agreement import agreements
from orbicyte.errors import OrbicyteError
from orbicyte.review.agreement import blinded, compared_cells, given_labels
from orbicyte.review.classes import RESERVED_KEYS, keyed
from orbicyte.review.columns import cell_columns, counts
from orbicyte.review.events import Event, read_drafts
from orbicyte.review.needs import needs
from orbicyte.review.pictures import TILE_PX, Pictures
from orbicyte.review.refusals import NotNowError, RefusedError
from orbicyte.review.steps import described
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import RESERVED
from orbicyte.study.needed import Needed
from orbicyte.study.slides import read_record
from orbicyte.study.types import predicted_types, types_path


class ReviewService:
    """One study under review. May be used by many threads."""

    def __init__(self, study: Study, classes: list[str], needed: Needed) -> None:
        self.study = study
        self.id = study.id
        self.classes = classes
        self.needed = needed
        self.order = [*classes, *RESERVED]
        self.store = ReviewStore.open(study)
        self.pictures = Pictures()

    def overview(self) -> dict[str, Any]:
        """The study: whether it can be written, the labels, the readers, and each slide with its counts."""
        slides = self.store.slides()
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(self._slide, slides))
        return {
            "id": self.id,
            "study": self.study.path.resolve().name,
            "version": version("orbicyte"),
            "writable": self.store.writable,
            "note": self.store.note,
            "classes": keyed([*self.classes, *sorted(self.store.labels() - {*self.classes, *RESERVED})]),
            "extra": [{"name": name, "key": key} for name, key in RESERVED_KEYS.items()],
            "readers": self.store.readers(),
            "predicted": types_path(self.study).exists(),
            "slides": answers,
        }

    def cells(self, slide: str, reader: str) -> dict[str, Any]:
        """The columns of the cells of ``slide`` as ``reader`` sees them, and the ``seq`` of the last event in them."""
        seq = self.store.catch_up()
        return {"seq": seq, **cell_columns(self.store.cells(slide), reader, predicted_types(self.study, slide))}

    def labelled(self, slide: str, reader: str) -> list[str]:
        """Ids of the cells of ``slide`` that ``reader`` labelled; not how, as readers are blinded to each other."""
        return [id_ for id_, cell in self.store.cells(slide).items() if reader in cell.labels]

    def outline(self, slide: str, cell: str) -> list[float] | None:
        """The detected or imported outline of the cell, as x0, y0, x1, y1, ... in level-0 pixels.

        None if the cell was moved, resized or added since. Raises ``RefusedError`` if there is no such cell.
        """
        state = self.store.cells(slide).get(cell)
        if state is None:
            raise RefusedError(f"{slide} has no cell {cell}")
        table = self.store.found_cells(slide)
        points = state.outline(next(iter(table.loc[table["id"] == cell, "outline_px"]), None))
        return None if points is None else [round(float(value), 2) for value in points]

    def events(self, since: int, reader: str) -> dict[str, Any]:
        """The events after ``since``, without the labels that others gave."""
        self.store.catch_up()  # so that crops requested next show the cells at their new positions
        events = self.store.events(since)
        newest = events[-1].seq if events else since
        return {"seq": newest, "events": [event._asdict() for event in events if _visible(event, reader)]}

    def check_study(self, id_: str | None) -> None:
        """Raise ``NotNowError`` for a page of another study, still open from an earlier server at this address."""
        if id_ not in (None, self.id):
            raise NotNowError(f"{self.study.path.resolve().name} is served here now, not the study of this page")

    def append(self, reader: str, events: list[Any], batch: str | None = None) -> dict[str, Any]:
        """Append to one batch. Raises as ``ReviewStore.append``, and ``RefusedError`` for an unknown label or slide."""
        drafts, slides = read_drafts(events), self.store.slides()
        for slide in {draft.slide for draft in drafts}:
            if slides and slide not in slides:
                raise RefusedError(f"this study has no slide {slide!r}")
        labels = {draft.after.label for draft in drafts if draft.kind == "name"} - {None}
        for label in labels - {*self.classes, *RESERVED}:
            if label not in self.store.labels():
                raise RefusedError(f"{label!r} is not one of this study's labels")
        saved = self.store.append(reader, events, batch)
        return {"saved": [{"id": id_, "seq": seq} for id_, seq in saved], "seq": self.store.seq}

    def undo_or_redo(self, reader: str, kind: str) -> dict[str, Any]:
        """Undo or redo, ``kind``; ``step``: what, in words.

        ``note`` reports how many decisions stay because others have changed them since.
        """
        step = described(self.store.next_step(reader, kind))
        events = self.store.undo(reader) if kind == "undo" else self.store.redo(reader)
        stayed = sum(not event.after for event in events)
        note = f"{stayed} of {len(events)} stay as they are: another reader has changed them since" if stayed else None
        return {"seq": self.store.seq, "events": [event._asdict() for event in events], "step": step, "note": note}

    def steps(self, reader: str) -> dict[str, str | None]:
        """What the next undo and redo of ``reader`` would revert, in words; None for nothing."""
        return {kind: described(self.store.next_step(reader, kind)) for kind in ("undo", "redo")}

    def agreement(self) -> dict[str, Any]:
        """The agreement of each pair of readers, without figures that would reveal single labels."""
        return {"pairs": [blinded(pair) for pair in agreements(given_labels(self.store), self.order)]}

    def compared(self, readers: tuple[str, str], labels: tuple[str, str] | None) -> dict[str, Any]:
        """The cells with different labels of two readers, or with two given ones: see ``compared_cells``."""
        return compared_cells(given_labels(self.store), self.store, readers, labels)

    def needs(self, reader: str) -> dict[str, Any]:
        """What the folds of training need, and what there is: see ``orbicyte.review.needs``."""
        return needs(self.store, self.classes, reader, self.needed)

    def tile(self, slide: str, level: int, column: int, row: int) -> bytes:
        """A JPEG of the tile. Raises ``OrbicyteError`` if there is no such tile or slide."""
        return self.pictures.tile(self.store.record(slide), level, column, row)

    def crop(self, slide: str, cell: str, side_px: int, side_um: float) -> bytes:
        """A JPEG with the cell in its centre, ``side_px`` pixels and ``side_um`` µm wide.

        Raises ``OrbicyteError`` if there is no such cell or slide.
        """
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


def _visible(event: Event, reader: str) -> bool:
    """Whether ``reader`` may see ``event``: readers do not see each other's labels."""
    return event.who == reader or "label" not in {*event.before, *event.after}
