"""The changes that a file makes to the cells of a slide: matched by id, or by position if the study has no such id."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.copies import originals
from orbicyte.exchange.shapes import SMALLEST_UM, Shape, centroid_and_diameter, corners
from orbicyte.slides.outline_check import outline_problem
from orbicyte.study.cells import cell_id
from orbicyte.study.classes import LONGEST
from orbicyte.study.slides import SlideRecord

POSITION_SLACK_PX = 0.5
SIZE_SLACK = 0.01
"""Differences from the exported values that may be due to rounding."""
LARGEST_UM = 150.0
"""No cell is wider, not even a megakaryocyte: a wider annotation is a region."""
USUAL_UM = 15.0
"""Diameter of a cell given as a point, on a slide without other cells."""


@dataclass(frozen=True)
class Change:
    """One change of one cell. ``kind`` and ``after`` as in ``orbicyte.review.events``."""

    cell: str
    kind: str
    after: dict[str, Any]


@dataclass(frozen=True)
class Before:
    """The slide before the import. ``cells``: the columns of ``orbicyte.review.cells``.

    ``own_labels``: this reader's labels, by cell; ``rejected``: ids of rejected cells; ``removed``: ids of cells that
    were added in review and removed again; ``classes``: the labels that a cell can have.
    """

    record: SlideRecord
    cells: pd.DataFrame
    own_labels: Mapping[str, str]
    rejected: Collection[str]
    removed: Collection[str]
    classes: Collection[str]


@dataclass
class Changes:
    """All changes of a file, and what it has apart from single cells.

    ``new_ids``: ids of new cells that are from the file, with their ``where``; ``cells``: shapes that are cells;
    ``pieces``: those of them that are not the only piece of their feature; ``skipped``: annotations that are not cells;
    ``regions``: descriptions of those that are little larger than a cell; ``fragments``: pieces too small for a cell;
    ``copies``: shapes of a cell that the file has already.
    """

    made: list[Change] = field(default_factory=list)
    new_ids: dict[str, str] = field(default_factory=dict)
    cells: int = 0
    pieces: int = 0
    skipped: int = 0
    regions: list[str] = field(default_factory=list)
    fragments: int = 0
    copies: int = 0


def changes(shapes: Sequence[Shape], before: Before, *, delete: bool) -> Changes:
    """The changes that ``shapes`` make. ``delete``: cells that are not among them are rejected.

    Raises ``OrbicyteError``, with the file and the feature, for a label that is not a type of the study, an id that two
    features have, two labels for one cell, a position outside the slide, a cell of impossible size, or an outline that
    crosses itself.
    """
    found = Changes()
    cells = _without_copies(_cells(shapes, before, found), before, found)
    ids = _identified(cells, before)
    known = dict(zip(before.cells["id"], before.cells.itertuples(), strict=True))
    usual_px = _usual_px(before)
    for shape, id_ in zip(cells, ids, strict=True):
        if id_ in known:
            found.made.extend(_moved(id_, shape, known[id_], before.record))
            if id_ in before.rejected and id_ != shape.id:
                found.made.append(Change(id_, "check", {"status": "kept"}))
        else:
            circle = {"x_px": shape.x_px, "y_px": shape.y_px, "diameter_px": shape.diameter_px or usual_px}
            found.made.append(Change(id_, "add", circle))
            found.made.extend(_outlined(id_, shape, before.record))
            if id_ == shape.id:
                found.new_ids[id_] = shape.where
        agreed = known[id_].label if id_ in known else None
        found.made.extend(_labelled(id_, shape, before.own_labels.get(id_), agreed))
    if delete:
        missing = before.cells[~before.cells["id"].isin(ids) & (before.cells["status"] != "rejected")]
        found.made.extend(Change(id_, "check", {"status": "rejected"}) for id_ in missing["id"])
    return found


def _cells(shapes: Sequence[Shape], before: Before, found: Changes) -> list[Shape]:
    """The shapes that are cells; others are counted in ``found``. Raises ``OrbicyteError`` (see ``changes``)."""
    cells = []
    for shape in shapes:
        width_um = (shape.diameter_px or 0) * before.record.mpp
        is_small = shape.diameter_px is not None and (width_um < SMALLEST_UM or shape.diameter_px < 1)
        is_wide = max(width_um, shape.largest_px * before.record.mpp) > LARGEST_UM
        if shape.is_region and (is_wide or (is_small and shape.pieces == 1)):
            found.skipped += shape.pieces == 1 or shape.diameter_px == shape.largest_px
            if LARGEST_UM < width_um < 2 * LARGEST_UM:
                found.regions.append(f"{shape.where} is {width_um:.0f} µm wide")
        elif is_small and shape.pieces > 1:
            found.fragments += 1
        else:
            _check(shape, width_um, is_small, before)
            cells.append(shape)
    found.pieces = sum(shape.pieces > 1 for shape in cells)
    return cells


def _check(shape: Shape, width_um: float, is_small: bool, before: Before) -> None:
    record = before.record
    if not (0 <= shape.x_px <= record.width_px and 0 <= shape.y_px <= record.height_px):
        raise OrbicyteError(
            f"{shape.where} is at ({shape.x_px:.0f}, {shape.y_px:.0f}), outside {record.name} of {record.width_px} x "
            f"{record.height_px} px: coordinates must be in pixels of the full resolution; nothing was imported"
        )
    if width_um > LARGEST_UM or (shape.diameter_px or 0) > max(record.width_px, record.height_px):
        raise OrbicyteError(
            f"{shape.where} is {width_um:.0f} µm wide, too wide for a cell: delete it, if it is a region; nothing was "
            "imported"
        )
    if is_small:
        raise OrbicyteError(f"{shape.where} is {width_um:.2g} µm wide, too small for a cell; nothing was imported")
    if shape.label is not None and shape.label not in before.classes:
        raise OrbicyteError(
            f"{shape.where} is labelled {shape.label[:LONGEST]!r}, which is not a cell type of the study; it has "
            f"{', '.join(before.classes)} (for another list: 'orbicyte review --classes FILE'); nothing was imported"
        )


def _without_copies(shapes: Sequence[Shape], before: Before, found: Changes) -> list[Shape]:
    """The shapes without copies of others, which are counted in ``found``; an original gets the label of its copy."""
    is_known = np.isin([shape.id or "" for shape in shapes], list(before.cells["id"]))
    of = originals(shapes, is_known, _usual_px(before))
    labels = {of[i]: shape.label for i, shape in enumerate(shapes) if shape.label is not None}
    cells = [replace(shape, label=labels.get(i, shape.label)) for i, shape in enumerate(shapes) if of[i] == i]
    found.cells, found.copies = len(cells), len(shapes) - len(cells)
    return cells


def _identified(shapes: Sequence[Shape], before: Before) -> list[str]:
    """The id of each: its own, if the study has it; that of the cell at its position; else its own or a new one.

    Programs assign their own ids to shapes that they draw or detect, so an unknown id does not mean a new cell.
    """
    known = set(before.cells["id"])
    where: dict[str, str] = {}
    for shape in shapes:
        if shape.id:
            _take(where, shape.id, shape, before)
    unknown = [shape for shape in shapes if shape.id not in known]
    at_position = iter(_at_position(unknown, before, set(where)))
    ids = []
    for shape in shapes:
        id_ = shape.id if shape.id in known else next(at_position) or shape.id
        if id_ is None:
            id_ = cell_id(before.record.fingerprint, shape.x_px, shape.y_px)
            id_ = str(uuid.uuid4()) if id_ in before.removed else id_
        if id_ != shape.id:
            _take(where, id_, shape, before)
        ids.append(id_)
    return ids


def _take(where: dict[str, str], id_: str, shape: Shape, before: Before) -> None:
    """Record in ``where`` that the cell ``id_`` is ``shape``."""
    if id_ in where:
        raise OrbicyteError(f"{shape.where} is the same cell ({id_}) as {where[id_]}; nothing was imported")
    if id_ in before.removed:
        raise OrbicyteError(
            f"{shape.where} has the id of a cell that was added in review and removed again ({id_}): delete the id "
            "to import it as a new cell; nothing was imported"
        )
    where[id_] = shape.where


def _at_position(shapes: Sequence[Shape], before: Before, taken: Collection[str]) -> list[str | None]:
    """The cell, not in ``taken``, whose inner half contains the centre of each shape; each cell for one shape only."""
    cells = before.cells[~before.cells["id"].isin(taken)]
    if cells.empty or not shapes:
        return [None] * len(shapes)
    distance_px, nearest = cKDTree(cells[["x_px", "y_px"]]).query([(shape.x_px, shape.y_px) for shape in shapes])
    reach_px = (cells["diameter_um"] / before.record.mpp / 4).to_numpy()
    ids = cells["id"].tolist()
    owner: dict[int, int] = {}
    for number in np.argsort(distance_px, kind="stable").tolist():
        if distance_px[number] <= reach_px[nearest[number]]:
            owner.setdefault(nearest[number], number)
    return [ids[at] if owner.get(at) == number else None for number, at in enumerate(nearest.tolist())]


def _moved(id_: str, shape: Shape, cell: Any, record: SlideRecord) -> Iterator[Change]:
    """The differences of the shape from an export of ``cell``; if there are any, the cell gets the shape's outline."""
    circle = (cell.x_px, cell.y_px, cell.diameter_um / record.mpp)
    written = circle if shape.diameter_px is None else centroid_and_diameter(corners(cell.outline_px, *circle))
    if not (_is_moved(shape, written) or _is_resized(shape, written) or _is_redrawn(shape, cell.outline_px)):
        return
    if _is_moved(shape, circle):
        yield Change(id_, "move", {"x_px": shape.x_px, "y_px": shape.y_px})
    if _is_resized(shape, circle):
        yield Change(id_, "resize", {"diameter_px": shape.diameter_px})
    yield from _outlined(id_, shape, record)


def _outlined(id_: str, shape: Shape, record: SlideRecord) -> Iterator[Change]:
    """The shape's outline. Raises ``OrbicyteError`` for one that no reader of the log could use."""
    if shape.outline_px is not None:
        if problem := outline_problem(shape.outline_px, record.width_px, record.height_px):
            raise OrbicyteError(f"{shape.where} {problem}; nothing was imported")
        yield Change(id_, "outline", {"outline_px": list(shape.outline_px)})


def _is_redrawn(shape: Shape, outline_px: Any) -> bool:
    """Whether the outline differs from ``outline_px``; the exported circle of a cell without outline does not count."""
    if shape.outline_px is None or outline_px is None:
        return False
    if len(shape.outline_px) != len(outline_px):
        return True
    return bool(np.abs(np.subtract(shape.outline_px, outline_px)).max() > POSITION_SLACK_PX)


def _is_moved(shape: Shape, circle: tuple[float, float, float]) -> bool:
    return bool(np.hypot(shape.x_px - circle[0], shape.y_px - circle[1]) > POSITION_SLACK_PX)


def _is_resized(shape: Shape, circle: tuple[float, float, float]) -> bool:
    """Whether the size differs, larger or smaller; that of a point does not."""
    return shape.diameter_px is not None and abs(shape.diameter_px / circle[2] - 1) > SIZE_SLACK


def _labelled(id_: str, shape: Shape, own: str | None, agreed: str | None) -> Iterator[Change]:
    """A new label, or the removal of an exported one; nothing if the file repeats the label on which readers agree.

    A missing label removes none on which readers disagree, and none of a cell that was matched by its position.
    """
    is_cleared = shape.label is None and own is not None and own == agreed and id_ == shape.id
    if is_cleared or (shape.label is not None and shape.label not in (own, agreed)):
        yield Change(id_, "name", {"label": shape.label})


def _usual_px(before: Before) -> float:
    diameters_um = before.cells["diameter_um"]
    return float(diameters_um.median() if len(diameters_um) else USUAL_UM) / before.record.mpp
