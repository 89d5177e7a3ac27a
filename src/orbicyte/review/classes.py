"""The user's own list of cell types, read from a file, and the keyboard key of each label."""

import csv
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase

from orbicyte.data.labels import read_text
from orbicyte.errors import OrbicyteError
from orbicyte.study.classes import NO_CELL, OTHER, UNSURE, checked_classes
from orbicyte.study.reading import parse_json

RESERVED_KEYS = {OTHER: "o", UNSURE: "u", NO_CELL: "x"}
KEYS = "1234567890" + "".join(sorted(set(ascii_lowercase) - set(RESERVED_KEYS.values())))
COLUMNS = ("name", "class", "label", "type")


def keyed(classes: Sequence[str]) -> list[dict[str, str | None]]:
    """Name and key of each class: keys are digits, then letters; None when they are used up."""
    return [{"name": name, "key": KEYS[i] if i < len(KEYS) else None} for i, name in enumerate(classes)]


def read_classes(path: Path) -> list[str]:
    """The cell types in a file: a JSON list, a CSV with a column name, class, label or type, or one name per line.

    UTF-8, UTF-16 or cp1252. Raises ``OrbicyteError`` as ``checked_classes`` does.
    """
    text = read_text(path)
    if path.suffix.lower() == ".json":
        return checked_classes(parse_json(text.encode("utf-8"), path), path)
    lines = text.splitlines()
    if path.suffix.lower() == ".csv":
        return checked_classes(_column(lines, path), path)
    return checked_classes([line.strip() for line in lines if line.strip()], path)


def _column(lines: Sequence[str], path: Path) -> list[str]:
    rows = [row for row in csv.reader(lines) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    at = next((header.index(column) for column in COLUMNS if column in header), None)
    if at is None:
        raise OrbicyteError(f"{path} needs a column name, class, label or type: found {', '.join(header) or 'nothing'}")
    return [row[at].strip() for row in rows[1:] if len(row) > at]
