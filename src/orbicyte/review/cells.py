"""The cells of a study as people left them, as one table: what cutting, training a detector and exchange work on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from orbicyte.progress import warn
from orbicyte.review.replay import CellState
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.classes import NO_CELL, UNSURE
from orbicyte.study.slides import read_record

COLUMNS = ["id", "slide", "x_px", "y_px", "x_um", "y_um", "diameter_um", "score", "outline_px"]
COLUMNS += ["status", "reviewer", "label", "labelled_by"]


def reviewed_cells(study: Study, slides: Sequence[str] | None = None, reader: str | None = None) -> pd.DataFrame:
    """One row a cell of the current state, rejected ones included, sorted by slide, ``y_px`` and ``x_px``.

    Columns: ``id``, ``slide``, ``x_px``, ``y_px`` (level-0 pixels), ``x_um``, ``y_um``, ``diameter_um``, ``score``
    (NaN where a person added the cell), ``outline_px`` (None where it was moved, resized or added), ``status``
    (unchecked, kept, rejected), ``reviewer`` (who last decided on status, position or size), ``label``, ``labelled_by``
    (readers, separated by commas).

    ``label``: the name on which all readers agree who gave one and were not unsure, or that of ``reader`` alone; None
    otherwise. A cell named "not a cell" has no label and is rejected. ``slides``: all by default. Raises
    ``OrbicyteError`` if the study has no such slide or its review cannot be read.
    """
    with ReviewStore.open(study) as store:
        rows = [row for slide in slides or store.slides() for row in _rows(store, slide, reader)]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"score": float})
    return table.sort_values(["slide", "y_px", "x_px"], kind="stable", ignore_index=True)


def agreed(labels: Mapping[str, str]) -> str | None:
    """The one name in ``labels``, by reader, not counting those who are unsure; None if there is none, or several."""
    given = set(labels.values()) - {UNSURE}
    return given.pop() if len(given) == 1 else None


def _rows(store: ReviewStore, slide: str, reader: str | None) -> Iterator[tuple[Any, ...]]:
    mpp = read_record(store.study, slide).mpp
    table = read_cells(store.study, slide).set_index("id")
    outlines = table["outline_px"].to_dict()
    for id_, cell in store.cells(slide).items():
        if cell.status == "removed":
            continue
        yield _row(id_, slide, cell, mpp, cell.outline(outlines.get(id_)), reader)
    if lost := store.lost(slide):
        warn(f"{slide}: {lost} decisions are about cells that the last detection did not find: they do not count")


def _row(id_: str, slide: str, cell: CellState, mpp: float, outline: Any, reader: str | None) -> tuple[Any, ...]:
    labels = {who: label for who, label in cell.labels.items() if reader in (None, who)}
    label = agreed(labels)
    status = "rejected" if label == NO_CELL else cell.status
    label = None if label == NO_CELL else label
    labelled_by = ", ".join(sorted(labels)) or None
    place = (cell.x_px, cell.y_px, cell.x_px * mpp, cell.y_px * mpp, cell.diameter_px * mpp)
    return (id_, slide, *place, cell.score, outline, status, cell.reviewer, label, labelled_by)
