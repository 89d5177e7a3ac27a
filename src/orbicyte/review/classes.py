"""The user's own list of cell types, read from a file, and the keyboard key of each label."""

import csv
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.study.classes import NO_CELL, OTHER, UNSURE, checked_classes
from orbicyte.study.reading import parse_json, read_text
from orbicyte.text import clean, given, warn_of_similar

RESERVED_KEYS = {OTHER: "o", UNSURE: "u", NO_CELL: "x"}
COMMAND_KEYS = "adgjkmnprswz"
"""Letters with another meaning on the page, in Check or in Label: the same key never means two things."""
KEYS = "1234567890" + "".join(sorted(set(ascii_lowercase) - {*RESERVED_KEYS.values(), *COMMAND_KEYS}))
COLUMNS = ("name", "class", "label", "type")


def keyed(classes: Sequence[str]) -> list[dict[str, str | None]]:
    """Name and key of each class: keys are digits, then letters; None when they are used up."""
    return [{"name": name, "key": KEYS[i] if i < len(KEYS) else None} for i, name in enumerate(classes)]


def read_classes(path: Path, encoding: str | None = None) -> list[str]:
    """The cell types in a file: a JSON list, a CSV with a column name, class, label or type, or one name per line.

    ``encoding``: see ``orbicyte.text.decode``. Words for a missing value (``orbicyte.text.MISSING``) are no types: left
    out and printed. Raises ``OrbicyteError`` as ``checked_classes`` does.
    """
    text = read_text(path, encoding)
    if path.suffix.lower() == ".json":
        listed = parse_json(text.encode("utf-8"), path)
    else:
        lines = text.splitlines()
        listed = _column(lines, path) if path.suffix.lower() == ".csv" else [line for line in lines if line.strip()]
    names = listed.get("classes") if isinstance(listed, dict) else listed
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        missing = [name.strip() for name in names if name.strip() and given(name) is None]
        if missing:
            print_line(f"{path}: left out {', '.join(map(repr, missing))}, which stands for a missing value")
        names = [clean(name) for name in names if name.strip() not in missing]
    classes = checked_classes(names, path)
    warn_of_similar(classes, "cell types")
    return classes


def _column(lines: Sequence[str], path: Path) -> list[str]:
    rows = [row for row in csv.reader(lines) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    at = next((header.index(column) for column in COLUMNS if column in header), None)
    if at is None:
        raise OrbicyteError(f"{path} needs a column name, class, label or type: found {', '.join(header) or 'nothing'}")
    return [row[at].strip() for row in rows[1:] if len(row) > at]
