"""Undo and redo: for each reader, the batches that can be undone and those that can be redone.

Undo reverts the reader's own last batch, cell by cell. A field that another reader has changed since is kept, and the
page reports it. Undo and redo are events like all others, with ``before`` and ``after`` swapped; both are empty for an
event that changes nothing for that reason.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from orbicyte.review.events import Event, Fields
from orbicyte.review.replay import CellState, Decision, groups


@dataclass
class History:
    """The batches of one reader, the newest last."""

    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Update with the next event of this reader."""
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
    """The history of each reader, by name."""

    def __init__(self) -> None:
        super().__init__(History)
        self._known: set[int] = set()

    def add(self, event: Event) -> None:
        """Update with the next event."""
        self[event.who].add(event)
        self._known.add(event.seq)

    def problem(self, event: Event) -> str | None:
        """Why the next event cannot be used: an undo or redo of what is not in the log. None for all others."""
        if event.kind not in ("undo", "redo"):
            return None
        history = self[event.who]
        source, into = (history.done, history.undone) if event.kind == "undo" else (history.undone, history.done)
        if event.of not in self._known or not (source or event.batch in into[-1:]):
            return f"it is the {event.kind} of an event that is not in the log"
        return None


def undo_of(event: Event, cell: CellState) -> tuple[Fields, Fields]:
    """``before`` and ``after`` of the undo of ``event``; both empty if another reader has changed the fields since."""
    touched = groups(event.before, event.after, event.who)
    removes = event.before.get("status") == "removed"
    since = any(cell.decisions.get(group) != Decision(event.seq, event.who) for group in touched)
    if since or (removes and set(cell.labels) - {event.who}):
        return {}, {}
    return event.after, event.before


def redo_of(undo: Event, cell: CellState) -> tuple[Fields, Fields]:
    """``before`` and ``after`` of the redo of what ``undo`` reverted; both empty as in ``undo_of``."""
    touched = groups(undo.before, undo.after, undo.who)
    gone = cell.status == "removed" and undo.after.get("status") != "removed"
    newest = [cell.decisions[group] for group in touched if group in cell.decisions]
    if gone or any(made.who != undo.who and made.seq > undo.seq for made in newest):
        return {}, {}
    before = {"status": cell.status} if "x_px" in undo.before and cell.status == "removed" else None
    return before or cell.fields(undo.before, undo.who), undo.before
