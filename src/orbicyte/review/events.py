"""Events, each a decision of one reader about one cell, and the drafts of events that a client may send.

``after`` holds the fields that a decision sets, ``before`` their previous values: ``status`` (unchecked, kept,
rejected, or removed for a cell whose addition was undone), ``x_px`` and ``y_px``, ``diameter_px`` (level-0 pixels),
``outline_px`` (x0, y0, x1, y1, ...; None: the detected outline), ``label`` (the one that ``who`` gave; None: none).
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orbicyte.review.refusals import RefusedError
from orbicyte.slides.outline_check import LARGEST_PX, MOST

Fields = dict[str, Any]


class Event(NamedTuple):
    """One row of the log. ``at``: UTC, ISO 8601; ``of``: the ``seq`` of the event that an undo or redo reverts."""

    seq: int
    id: str
    at: str
    who: str
    slide: str
    cell: str
    kind: str
    before: Fields
    after: Fields
    batch: str
    of: int | None = None

    @property
    def name(self) -> str:
        """How messages refer to the event, after its number."""
        return f"({self.id!r}, by {self.who!r}, of cell {self.cell!r} on {self.slide!r})"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Coordinate = Annotated[float, Field(ge=-LARGEST_PX, le=LARGEST_PX, allow_inf_nan=False)]
Diameter = Annotated[float, Field(ge=1, le=LARGEST_PX, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]
OutlinePx = Annotated[list[Coordinate], Field(min_length=6, max_length=MOST)]
LabelText = Annotated[str, Field(min_length=1, max_length=100)]
MOST_FIELDS = 8
"""No object of a draft has more; each unknown one would be a mistake of its own."""


class _Status(_Strict):
    status: Literal["unchecked", "kept", "rejected"]


class _Position(_Strict):
    x_px: Coordinate
    y_px: Coordinate


class _Size(_Strict):
    diameter_px: Diameter


class _Circle(_Position, _Size):
    pass


class _Outline(_Strict):
    outline_px: OutlinePx


class _Label(_Strict):
    label: LabelText | None


class _Draft(_Strict):
    id: Id
    slide: str
    cell: Id


class Check(_Draft):
    """Set the status: kept, rejected, or unchecked again."""

    kind: Literal["check"]
    after: _Status


class Move(_Draft):
    """Set a new centre."""

    kind: Literal["move"]
    after: _Position


class Resize(_Draft):
    """Set a new diameter."""

    kind: Literal["resize"]
    after: _Size


class Add(_Draft):
    """Add a cell that was not detected; ``cell`` is a new UUID."""

    kind: Literal["add"]
    after: _Circle


class Outline(_Draft):
    """Set an outline drawn in another program; it is valid until the cell is moved or resized."""

    kind: Literal["outline"]
    after: _Outline


class Label(_Draft):
    """Set or clear this reader's label of the cell."""

    kind: Literal["name"]  # not "label": existing logs contain "name", and the page sends it
    after: _Label


Draft = Annotated[Check | Move | Resize | Add | Outline | Label, Field(discriminator="kind")]
_DRAFT: TypeAdapter[Draft] = TypeAdapter(Draft)


def new_draft(slide: str, cell: str, kind: str, after: Fields) -> dict[str, Any]:
    """A decision as a client sends it, with a new id."""
    return {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": kind, "after": after}


def read_drafts(events: Sequence[Any]) -> list[Draft]:
    """The checked drafts of what a client sent. Raises ``RefusedError`` at the first mistake."""
    return [_read_draft(number, event) for number, event in enumerate(events)]


def _read_draft(number: int, event: Any) -> Draft:
    for part in (event, event.get("after") if isinstance(event, Mapping) else None):
        if isinstance(part, Mapping) and len(part) > MOST_FIELDS:
            raise RefusedError(f"{number}: {len(part)} fields, expected at most {MOST_FIELDS}")
    try:
        return _DRAFT.validate_python(event)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RefusedError(first_mistake([{**first, "loc": (number, *first["loc"])}])) from None


def first_mistake(mistakes: Sequence[Mapping[str, Any]]) -> str:
    """One line for the first of pydantic's errors."""
    where = ".".join(str(part) for part in mistakes[0]["loc"])
    return f"{where or 'request'}: {mistakes[0]['msg']}"
