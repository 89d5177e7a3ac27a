"""Events: what one person decided about one cell, and what a client may send.

``after`` holds the fields that a decision sets, ``before`` what they were: ``status`` (unchecked, kept, rejected, or
removed for a cell whose adding was undone), ``x_px`` and ``y_px``, ``diameter_px`` (level-0 pixels), ``outline_px``
(x0, y0, x1, y1, ...; None for none but the found one), ``label`` (the name that ``who`` gave; None for none).
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orbicyte.review.refusals import RefusedError

Fields = dict[str, Any]


class Event(NamedTuple):
    """One row of the log. ``at``: UTC, ISO 8601; ``of``: the ``seq`` that an undo or redo takes back."""

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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Pixels = Annotated[float, Field(allow_inf_nan=False)]
Diameter = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class _Status(_Strict):
    status: Literal["unchecked", "kept", "rejected"]


class _Position(_Strict):
    x_px: Pixels
    y_px: Pixels


class _Size(_Strict):
    diameter_px: Diameter


class _Circle(_Position, _Size):
    pass


class _Outline(_Strict):
    outline_px: Annotated[list[Pixels], Field(min_length=6, max_length=20_000)]


class _Label(_Strict):
    label: Annotated[str, Field(min_length=1, max_length=100)] | None


class _Draft(_Strict):
    id: Id
    slide: str
    cell: Id


class Check(_Draft):
    """Keep, reject, or neither."""

    kind: Literal["check"]
    after: _Status


class Move(_Draft):
    """Another centre."""

    kind: Literal["move"]
    after: _Position


class Resize(_Draft):
    """Another diameter."""

    kind: Literal["resize"]
    after: _Size


class Add(_Draft):
    """A cell that was not found; ``cell`` is a new UUID."""

    kind: Literal["add"]
    after: _Circle


class Outline(_Draft):
    """What was drawn around the cell in another program; it holds until the cell is moved or resized."""

    kind: Literal["outline"]
    after: _Outline


class Name(_Draft):
    """The cell's name for this reader."""

    kind: Literal["name"]
    after: _Label


Draft = Annotated[Check | Move | Resize | Add | Outline | Name, Field(discriminator="kind")]
_DRAFTS: TypeAdapter[list[Draft]] = TypeAdapter(list[Draft])


def new_draft(slide: str, cell: str, kind: str, after: Fields) -> dict[str, Any]:
    """A decision as a client sends it, with an id of its own."""
    return {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": kind, "after": after}


def read_drafts(events: Sequence[Mapping[str, Any]]) -> list[Draft]:
    """What a client sent, checked. Raises ``RefusedError`` with the first mistake."""
    try:
        return _DRAFTS.validate_python(events)
    except ValidationError as error:
        raise RefusedError(first_mistake(error.errors(include_url=False))) from None


def first_mistake(mistakes: Sequence[Mapping[str, Any]]) -> str:
    """One line for the first of pydantic's errors."""
    where = ".".join(str(part) for part in mistakes[0]["loc"])
    return f"{where or 'what was sent'}: {mistakes[0]['msg']}"
