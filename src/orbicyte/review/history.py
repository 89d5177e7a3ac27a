"""Undo and redo: for each reader the batches that can be taken back, and those that can be put back.

What is taken back is the reader's own last batch, cell by cell, unless somebody else has decided about the same thing
since: that stays, and the reader is told. Both are events like all others, with ``before`` and ``after`` swapped; one
that changes nothing, because it had to stay, has both empty.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from orbicyte.review.events import Event, Fields
from orbicyte.review.replay import CellState, Decision, groups


@dataclass
class History:
    """One reader's batches, the newest last."""

    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take account of the next event of this reader."""
        batch = event.batch
        if batch in self.done[-1:] or batch in self.undone[-1:]:
            return
        if event.kind == "undo":
            self.done.pop()
            self.undone.append(batch)
            return
        if event.kind == "redo":
            self.undone.pop()
        else:
            self.undone.clear()
        self.done.append(batch)


class Histories(defaultdict[str, History]):
    """By reader."""

    def __init__(self) -> None:
        super().__init__(History)

    def add(self, event: Event) -> None:
        """Take account of the next event."""
        self[event.who].add(event)


def taken_back(event: Event, cell: CellState) -> tuple[Fields, Fields]:
    """``before`` and ``after`` of the undo of ``event``; both empty if somebody decided otherwise since."""
    touched = groups(event.before, event.after, event.who)
    removes = event.before.get("status") == "removed"
    since = any(cell.decisions.get(group, ())[-1:] != (Decision(event.seq, event.who),) for group in touched)
    if since or (removes and set(cell.labels) - {event.who}):
        return {}, {}
    return event.after, event.before


def put_back(undo: Event, cell: CellState) -> tuple[Fields, Fields]:
    """``before`` and ``after`` of the redo of what ``undo`` took back; both empty as in ``taken_back``."""
    touched = groups(undo.before, undo.after, undo.who)
    gone = cell.status == "removed" and undo.after.get("status") != "removed"
    newest = [cell.decisions[group][-1] for group in touched if group in cell.decisions]
    if gone or any(made.who != undo.who and made.seq > undo.seq for made in newest):
        return {}, {}
    before = {"status": cell.status} if "x_px" in undo.before and cell.status == "removed" else None
    return before or cell.fields(undo.before, undo.who), undo.before
