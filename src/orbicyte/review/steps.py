"""Steps of undo in words: what a reader did, to how many cells, where."""

from collections.abc import Sequence

from orbicyte.review.events import Event, Fields


def described(events: Sequence[Event]) -> str | None:
    """What the decisions behind ``events`` did, such as "kept 3 cells on D1"; None without events.

    ``events``: one batch. Of undo events, it is what they reverted.
    """
    if not events:
        return None
    actions = {_action(*_forward(event)) for event in events}
    slides = sorted({event.slide for event in events})
    cells = len({(event.slide, event.cell) for event in events})
    verb, value = actions.pop() if len(actions) == 1 else ("changed", "")
    return f"{verb} {'1 cell' if cells == 1 else f'{cells:,} cells'}{value} on {', '.join(slides)}"


def _forward(event: Event) -> tuple[Fields, Fields]:
    """``before`` and ``after`` of the decision; an undo has them swapped."""
    return (event.after, event.before) if event.kind == "undo" else (event.before, event.after)


def _action(before: Fields, after: Fields) -> tuple[str, str]:
    """The verb before the number of cells, and the value behind it."""
    if "label" in after:
        name = after["label"]
        return ("cleared the label of", "") if name is None else ("labelled", f" {name}")
    if before.get("status") == "removed":
        return "added", ""
    if "status" in after:
        return "reset" if after["status"] == "unchecked" else after["status"], ""
    if "x_px" in after:
        return "moved", ""
    return "resized" if "diameter_px" in after else "changed", ""
