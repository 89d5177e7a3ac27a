"""The reviewed cells of a study as one table: the input of cutting, of training a detector and of export."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from orbicyte.progress import warn
from orbicyte.review.replay import CellState
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import NO_CELL, UNSURE

COLUMNS = ["id", "slide", "x_px", "y_px", "x_um", "y_um", "diameter_um", "score", "outline_px"]
COLUMNS += ["status", "reviewer", "label", "labelled_by"]


def reviewed_cells(study: Study, slides: Sequence[str] | None = None, reader: str | None = None) -> pd.DataFrame:
    """One row per cell in its current state, rejected cells included, sorted by slide, ``y_px`` and ``x_px``.

    Columns: ``id``, ``slide``, ``x_px``, ``y_px`` (level-0 pixels), ``x_um``, ``y_um``, ``diameter_um``, ``score``
    (0 to 1; NaN if a person added the cell), ``outline_px`` (None if the cell was moved, resized or added), ``status``
    (unchecked, kept, rejected), ``reviewer`` (who last decided on status, position, size or outline), ``label``,
    ``labelled_by`` (readers, separated by commas).

    ``label``: the label on which all readers agree who gave one other than "unsure", or that of ``reader`` alone; None
    otherwise. A cell labelled "not a cell" has no label and is rejected. ``slides``: all by default. Raises
    ``OrbicyteError`` if the study has no such slide or its review cannot be read.
    """
    with ReviewStore.open(study) as store:
        rows = [row for slide in slides or store.slides() for row in _rows(store, slide, reader)]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"score": float})
    return table.sort_values(["slide", "y_px", "x_px"], kind="stable", ignore_index=True)


def agreed(labels: Mapping[str, str]) -> str | None:
    """The only label in ``labels`` (label by reader), "unsure" not counted; None if there is none or more than one."""
    given = set(labels.values()) - {UNSURE}
    return given.pop() if len(given) == 1 else None


def _rows(store: ReviewStore, slide: str, reader: str | None) -> Iterator[tuple[Any, ...]]:
    mpp = store.record(slide).mpp
    table = store.found_cells(slide)
    outlines = dict(zip(table["id"], table["outline_px"], strict=True))
    for id_, cell in store.cells(slide).items():
        if cell.status == "removed":
            continue
        yield _row(id_, slide, cell, mpp, cell.outline(outlines.get(id_)), reader)
    if lost := store.lost(slide):
        warn(f"{slide}: {lost} decisions are about cells that the last detection did not find: they are ignored")


def _row(id_: str, slide: str, cell: CellState, mpp: float, outline: Any, reader: str | None) -> tuple[Any, ...]:
    labels = {who: label for who, label in cell.labels.items() if reader in (None, who)}
    label = agreed(labels)
    status = "rejected" if label == NO_CELL else cell.status
    label = None if label == NO_CELL else label
    labelled_by = ", ".join(sorted(labels)) or None
    place = (cell.x_px, cell.y_px, cell.x_px * mpp, cell.y_px * mpp, cell.diameter_px * mpp)
    return (id_, slide, *place, cell.score, outline, status, cell.reviewer, label, labelled_by)
