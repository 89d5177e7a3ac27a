"""Rows of the log as events. A row that no reader of the log could use is refused here, so that it can be left out."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orbicyte.review.events import Coordinate, Diameter, Event, Fields, Id, LabelText, OutlinePx, first_mistake

Text = Annotated[str, Field(min_length=1)]


class _Fields(BaseModel):
    """Only fields that are in the row are used; the defaults never are."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["unchecked", "kept", "rejected", "removed"] = "unchecked"
    x_px: Coordinate = 0.0
    y_px: Coordinate = 0.0
    diameter_px: Diameter = 1.0
    outline_px: OutlinePx | None = None
    label: LabelText | None = None


_ROW: TypeAdapter[tuple[int, Id, Text, Text, Text, Id, Text, str, str, Text, int | None]] = TypeAdapter(
    tuple[int, Id, Text, Text, Text, Id, Text, str, str, Text, int | None], config=ConfigDict(strict=True)
)
_SETS: Mapping[str, set[str] | None] = {
    "check": {"status"},
    "move": {"x_px", "y_px"},
    "resize": {"diameter_px"},
    "add": {"x_px", "y_px", "diameter_px", "status"},
    "outline": {"outline_px"},
    "name": {"label"},
    "undo": None,
    "redo": None,
}
"""The fields that an event of each kind sets; None: those of the event that it reverts."""


def read_event(row: tuple[Any, ...]) -> Event:
    """The event in ``row``, the columns of ``orbicyte.review.database.COLUMNS``. Raises ``ValueError`` with the reason.

    ``before`` is used by undo only: what cannot be read of it is left out, and undo then changes nothing.
    """
    try:
        seq, id_, at, who, slide, cell, kind, before, after, batch, of = _ROW.validate_python(row)
        fields = _fields(after)
    except ValidationError as error:
        raise ValueError(first_mistake(error.errors(include_url=False, include_input=False))) from None
    if kind not in _SETS:
        raise ValueError(f"kind {kind!r} is unknown")
    expected = _SETS[kind]
    if expected is not None and fields.keys() != expected:
        raise ValueError(f"{kind} sets {', '.join(sorted(fields)) or 'nothing'}, not {', '.join(sorted(expected))}")
    if ("x_px" in fields) != ("y_px" in fields):
        raise ValueError("one of x_px and y_px is missing")
    if kind in ("check", "add") and (fields["status"] == "removed" or (kind == "add" and fields["status"] != "kept")):
        raise ValueError(f"{kind} sets the status {fields['status']}")
    try:
        earlier = _fields(before)
    except ValidationError:
        earlier = {}
    return Event(seq, id_, at, who, slide, cell, kind, earlier, fields, batch, of)


def _fields(text: str) -> Fields:
    return _Fields.model_validate_json(text).model_dump(exclude_unset=True)
