"""The state of a cell: what was detected, changed by the events about it in order.

The fields of a cell form groups that are decided together: position, size, outline, status, and one label per reader.
For each group the state keeps its newest decision, which refers to the one before it: a decision is added, an undo
goes back to the one before. So the reader of the current decision is known, an undo never reverts what another reader
has decided since, and an event costs the same after any number of others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

import pandas as pd

from orbicyte.review.events import Event, Fields
from orbicyte.study.slides import SlideRecord


@dataclass(frozen=True, slots=True)
class Decision:
    """The number of an event and its reader; ``earlier``: the decision that an undo goes back to."""

    seq: int
    who: str
    earlier: Optional["Decision"] = field(default=None, compare=False, repr=False)


class CellState(NamedTuple):
    """A cell now: centre and diameter in level-0 pixels, ``score`` 0 to 1 (None if added), labels by reader."""

    x_px: float
    y_px: float
    diameter_px: float
    score: float | None = None
    status: str = "unchecked"
    labels: Mapping[str, str] = MappingProxyType({})
    decisions: Mapping[str, Decision] = MappingProxyType({})
    outline_px: Sequence[float] | None = None

    def outline(self, found_px: Any) -> Any:
        """The outline as x0, y0, x1, y1, ...: the imported one, else ``found_px``; None if moved or resized since."""
        since = [self.decisions[group].seq for group in ("position", "size") if group in self.decisions]
        imported = self.decisions.get("outline")
        if imported and self.outline_px and imported.seq > max(since, default=0):
            return self.outline_px
        return None if since else found_px

    @property
    def is_accepted(self) -> bool:
        """Whether the cell is neither rejected nor removed."""
        return self.status in ("unchecked", "kept")

    @property
    def reviewer(self) -> str | None:
        """Who last decided on status, position, size or outline."""
        newest = [made for group, made in self.decisions.items() if not group.startswith("label")]
        return max(newest, key=lambda made: made.seq).who if newest else None

    def fields(self, names: Iterable[str], who: str) -> Fields:
        """The current values of the fields ``names``; ``label`` is the one that ``who`` gave."""
        return {name: self.labels.get(who) if name == "label" else getattr(self, name) for name in names}


Cells = dict[str, CellState]

CIRCLE = ("x_px", "y_px", "diameter_px")
"""The fields without which there is no cell."""

_GROUPS = {"x_px": "position", "y_px": "position", "diameter_px": "size", "outline_px": "outline", "status": "status"}


def groups(before: Fields, after: Fields, who: str) -> set[str]:
    """The groups that an event of ``who`` touches."""
    return {_GROUPS.get(name, f"label {who}") for name in (*before, *after)}


def found(record: SlideRecord, table: pd.DataFrame) -> Cells:
    """The cells of a slide before review, from the detector's table (``orbicyte.study.cells.SCHEMA``)."""
    x_px, y_px = table["x_px"].tolist(), table["y_px"].tolist()
    diameter_px = (table["diameter_um"].astype(float) / record.mpp).tolist()
    score = table["score"].astype(float).tolist()
    states = map(CellState, x_px, y_px, diameter_px, score)
    return dict(zip(table["id"], states, strict=True))


def applied(cell: CellState | None, event: Event) -> CellState | None:
    """The cell after ``event``; ``cell`` is None for a new cell. None if the event does not add one."""
    if cell is None:
        if event.after.get("status") != "kept" or not event.after.keys() >= set(CIRCLE):
            return None
        cell = CellState(*(event.after[name] for name in CIRCLE))
    values: dict[str, Any] = {name: value for name, value in event.after.items() if name != "label"}
    if "label" in event.after:
        others = {who: label for who, label in cell.labels.items() if who != event.who}
        label = event.after["label"]
        values["labels"] = others if label is None else {**others, event.who: label}
    return cell._replace(**values, decisions=_decisions(cell, event))


def replay(cells: Cells, events: Iterable[Event]) -> int:
    """Apply ``events`` of one slide to ``cells`` in place; return how many concern unknown cells."""
    lost = 0
    for event in events:
        state = applied(cells.get(event.cell), event)
        if state is None:
            lost += 1
        else:
            cells[event.cell] = state
    return lost


def _decisions(cell: CellState, event: Event) -> Mapping[str, Decision]:
    decisions = dict(cell.decisions)
    for group in groups(event.before, event.after, event.who):
        last = decisions.pop(group, None)
        now = Decision(event.seq, event.who, last) if event.kind != "undo" else last and last.earlier
        if now:
            decisions[group] = now
    return decisions
