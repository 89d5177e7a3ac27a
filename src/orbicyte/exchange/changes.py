"""What a file changes about the cells of a slide: matched by id, or by place where the study does not know it."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.shapes import Shape, corners, measure
from orbicyte.study.cells import cell_id
from orbicyte.study.slides import SlideRecord

PLACE_SLACK_PX = 0.5
SIZE_SLACK = 0.01
"""Differences from what was written that rounding may make."""
LARGEST_UM = 200.0
"""No cell is wider, megakaryocytes included: such an annotation is a region."""
USUAL_UM = 15.0
"""Diameter of a cell that is given as a point, on a slide without any other cell."""


@dataclass(frozen=True)
class Change:
    """One thing that a file says of one cell. ``kind`` and ``after`` as in ``orbicyte.review.events``."""

    cell: str
    kind: str
    after: dict[str, Any]


@dataclass(frozen=True)
class Before:
    """The slide as it is now. ``cells``: the columns of ``orbicyte.review.cells``.

    ``given``: the names that this reader gave before, by cell; ``rejected``: ids of cells that are; ``taken_back``: of
    those that were added and taken back; ``names``: those that a cell can have.
    """

    record: SlideRecord
    cells: pd.DataFrame
    given: Mapping[str, str]
    rejected: Collection[str]
    taken_back: Collection[str]
    names: Collection[str]


@dataclass
class Changes:
    """All of them, the ids that the file itself gives to new cells (and where), and how many shapes are no cells."""

    made: list[Change] = field(default_factory=list)
    new_ids: dict[str, str] = field(default_factory=dict)
    left_out: int = 0


def changes(shapes: Sequence[Shape], before: Before, *, delete: bool) -> Changes:
    """What ``shapes`` change. ``delete``: cells that are not among them are rejected.

    Raises ``OrbicyteError``, naming the file and the feature, for a name that the study does not know, an id that two
    features have, a place outside the slide, or a cell of impossible size.
    """
    found = Changes()
    cells = [shape for shape in shapes if _checked(shape, before)]
    found.left_out = len(shapes) - len(cells)
    ids = _identified(cells, before)
    known = dict(zip(before.cells["id"], before.cells.itertuples(), strict=True))
    usual_px = _usual_px(before)
    for shape, id_ in zip(cells, ids, strict=True):
        if id_ in known:
            found.made.extend(_moved(id_, shape, known[id_], before.record.mpp))
            if id_ in before.rejected and id_ != shape.id:
                found.made.append(Change(id_, "check", {"status": "kept"}))
        else:
            place = {"x_px": shape.x_px, "y_px": shape.y_px, "diameter_px": shape.diameter_px or usual_px}
            found.made.append(Change(id_, "add", place))
            found.made.extend(_outlined(id_, shape))
            if id_ == shape.id:
                found.new_ids[id_] = shape.where
        agreed = known[id_].label if id_ in known else None
        found.made.extend(_named(id_, shape, before.given.get(id_), agreed))
    if delete:
        gone = before.cells[~before.cells["id"].isin(ids) & (before.cells["status"] != "rejected")]
        found.made.extend(Change(id_, "check", {"status": "rejected"}) for id_ in gone["id"])
    return found


def _checked(shape: Shape, before: Before) -> bool:
    """Whether the shape is a cell; a region is none, nor is what encloses nothing."""
    record = before.record
    width_um = (shape.diameter_px or 0) * record.mpp
    if shape.is_region and (width_um > LARGEST_UM or shape.diameter_px == 0):
        return False
    if not (0 <= shape.x_px <= record.width_px and 0 <= shape.y_px <= record.height_px):
        raise OrbicyteError(
            f"{shape.where} lies at ({shape.x_px:.0f}, {shape.y_px:.0f}), outside {record.name} of {record.width_px} x "
            f"{record.height_px} px: coordinates must be in pixels of the full resolution; nothing was imported"
        )
    if width_um > LARGEST_UM:
        raise OrbicyteError(f"{shape.where} is {width_um:.0f} µm wide, which no cell is; nothing was imported")
    if shape.label is not None and shape.label not in before.names:
        raise OrbicyteError(
            f"{shape.where} is named {shape.label!r}, which the study does not know: it has "
            f"{', '.join(before.names)} (another list: 'orbicyte review --classes FILE'); nothing was imported"
        )
    return True


def _identified(shapes: Sequence[Shape], before: Before) -> list[str]:
    """The id of each: its own, if the study knows it; that of the cell it lies on; else its own or that of its place.

    Programs give what they draw or find ids of their own, so that an unknown one does not make a new cell.
    """
    known = set(before.cells["id"])
    where: dict[str, str] = {}
    for shape in shapes:
        if shape.id:
            _take(where, shape.id, shape, before)
    strange = [shape for shape in shapes if shape.id not in known]
    beneath = iter(_beneath(strange, before, set(where)))
    ids = []
    for shape in shapes:
        id_ = shape.id if shape.id in known else next(beneath) or shape.id
        if id_ is None:
            id_ = cell_id(before.record.fingerprint, shape.x_px, shape.y_px)
            id_ = str(uuid.uuid4()) if id_ in before.taken_back else id_
        if id_ != shape.id:
            _take(where, id_, shape, before)
        ids.append(id_)
    return ids


def _take(where: dict[str, str], id_: str, shape: Shape, before: Before) -> None:
    """Note in ``where`` that the cell ``id_`` is ``shape``."""
    if id_ in where:
        raise OrbicyteError(f"{shape.where} is the same cell ({id_}) as {where[id_]}; nothing was imported")
    if id_ in before.taken_back:
        raise OrbicyteError(
            f"{shape.where} has the id of a cell that was added in review and taken back ({id_}): remove the id to "
            "import it as a new cell; nothing was imported"
        )
    where[id_] = shape.where


def _beneath(shapes: Sequence[Shape], before: Before, taken: Collection[str]) -> list[str | None]:
    """The cell in whose inner half each of ``shapes`` has its centre, none of ``taken``; of several, the nearest's."""
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


def _moved(id_: str, shape: Shape, cell: Any, mpp: float) -> Iterator[Change]:
    """How the shape differs from what would be written for ``cell``; then its outline is the cell's from now on."""
    circle = (cell.x_px, cell.y_px, cell.diameter_um / mpp)
    written = circle if shape.diameter_px is None else measure(corners(cell.outline_px, *circle))
    if not (_is_away(shape, written) or _is_larger(shape, written) or _is_redrawn(shape, cell.outline_px)):
        return
    if _is_away(shape, circle):
        yield Change(id_, "move", {"x_px": shape.x_px, "y_px": shape.y_px})
    if _is_larger(shape, circle):
        yield Change(id_, "resize", {"diameter_px": shape.diameter_px})
    yield from _outlined(id_, shape)


def _outlined(id_: str, shape: Shape) -> Iterator[Change]:
    if shape.outline_px is not None:
        yield Change(id_, "outline", {"outline_px": list(shape.outline_px)})


def _is_redrawn(shape: Shape, outline_px: Any) -> bool:
    """Whether there is another outline than ``outline_px``; that a cell without one was written as a circle is none."""
    if shape.outline_px is None or outline_px is None:
        return False
    if len(shape.outline_px) != len(outline_px):
        return True
    return bool(np.abs(np.subtract(shape.outline_px, outline_px)).max() > PLACE_SLACK_PX)


def _is_away(shape: Shape, circle: tuple[float, float, float]) -> bool:
    return bool(np.hypot(shape.x_px - circle[0], shape.y_px - circle[1]) > PLACE_SLACK_PX)


def _is_larger(shape: Shape, circle: tuple[float, float, float]) -> bool:
    """Or smaller; a point is neither."""
    return shape.diameter_px is not None and abs(shape.diameter_px / circle[2] - 1) > SIZE_SLACK


def _named(id_: str, shape: Shape, given: str | None, agreed: str | None) -> Iterator[Change]:
    """A name that is new, or that was written and is gone; none where the file repeats what is agreed on.

    A file says nothing of names on which readers disagree, nor of those of cells that it only has at their place.
    """
    is_gone = shape.label is None and given is not None and given == agreed and id_ == shape.id
    if is_gone or (shape.label is not None and shape.label not in (given, agreed)):
        yield Change(id_, "name", {"label": shape.label})


def _usual_px(before: Before) -> float:
    diameters_um = before.cells["diameter_um"]
    return float(diameters_um.median() if len(diameters_um) else USUAL_UM) / before.record.mpp
