"""A log with one good decision of each kind, and ways to damage it and to write events past the door."""

import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from orbicyte.review.events import new_draft
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

OUTLINES: dict[str, list[float]] = {
    "7 numbers": [10, 10, 20, 10, 20, 20, 10],
    "one point": [10, 10] * 3,
    "a line": [10, 10, 20, 20, 30, 30],
    "1e308": [1e308, 0, 0, 1e308, 1e308, 1e308],
    "off the slide": [5000, 5000, 5020, 5000, 5020, 5020],
    "larger than the slide": [-4000, -4000, 6000, -4000, 6000, 6000, -4000, 6000],
    "crossing itself": [0, 0, 100, 0, 100, 60, 40, 60, 40, -30, 20, -30],
}
"""Outlines on a slide of 2048 x 2048 px that no reader of the log can use."""


def decide(study: Study) -> tuple[str, ...]:
    """Keep, move, label and outline four cells of slide ``a``; the ids of all, sorted."""
    with ReviewStore.open(study) as store:
        cells = tuple(sorted(store.cells("a")))
        store.append("Ada", [new_draft("a", cells[0], "check", {"status": "kept"})])
        store.append("Ada", [new_draft("a", cells[1], "move", {"x_px": 7, "y_px": 9})])
        store.append("Bo", [new_draft("a", cells[2], "name", {"label": "myelocyte"})])
        store.append("Bo", [new_draft("a", cells[3], "outline", {"outline_px": [10, 10, 30, 10, 30, 30]})])
    return cells


def log_of(study: Study) -> Path:
    """The file of events."""
    return study.review / "events.sqlite"


def run(study: Study, *statements: str) -> None:
    """Run SQL on the log, as a damaged or hostile program might."""
    with closing(sqlite3.connect(log_of(study))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def write(study: Study, kind: str, after: Any, cell: str, **columns: Any) -> None:
    """Write an event past all checks; ``after`` and ``columns`` may be anything."""
    text = after if isinstance(after, str | bytes) else json.dumps(after)
    row: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "at": "2026-01-01T00:00:00.000+00:00",
        "who": "Eve",
        "slide": "a",
        "cell": cell,
    }
    row |= {"kind": kind, "before": "{}", "after": text, "batch": str(uuid.uuid4()), "of": None, **columns}
    with closing(sqlite3.connect(log_of(study))) as connection:
        marks = ", ".join("CAST(? AS TEXT)" if name != "of" else "?" for name in row)
        connection.execute(f"INSERT INTO events ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        connection.commit()
