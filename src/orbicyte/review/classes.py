"""The names that cells can get in a study: the paper's ten types, or a list of the user's own, kept with the study."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from string import ascii_lowercase

from orbicyte.data.labels import read_text
from orbicyte.data.synthetic import TYPES
from orbicyte.errors import OrbicyteError
from orbicyte.study import Study, check_format, write_json

FORMAT = 1
OTHER, UNSURE, NO_CELL = "other", "unsure", "not a cell"
EXTRA = {OTHER: "o", UNSURE: "u", NO_CELL: "x"}
"""Always there, with their keys."""
KEYS = "1234567890" + "".join(sorted(set(ascii_lowercase) - set(EXTRA.values())))
LONGEST = 60
COLUMNS = ("name", "class", "label", "type")


def chosen_classes(study: Study) -> list[str]:
    """The names of ``study``: those it keeps, else the paper's ten types."""
    path = _path(study)
    if not path.exists():
        return list(TYPES)
    return checked_classes(check_format(path, FORMAT).get("classes"), path)


def choose_classes(study: Study, classes: Sequence[str], used: Collection[str]) -> None:
    """Keep ``classes`` in ``study``. Raises ``OrbicyteError`` if they lack names that cells have, ``used``."""
    missing = sorted(set(used) - set(classes) - set(EXTRA))
    if missing:
        raise OrbicyteError(f"the new list lacks names that cells of {study.path} have: {', '.join(missing)}: add them")
    if list(classes) != chosen_classes(study):
        write_json(_path(study), {"format": FORMAT, "classes": list(classes)})


def keyed(classes: Sequence[str]) -> list[dict[str, str | None]]:
    """Name and key of each: digits, then letters, then none."""
    return [{"name": name, "key": KEYS[i] if i < len(KEYS) else None} for i, name in enumerate(classes)]


def read_classes(path: Path) -> list[str]:
    """The names in a file: a JSON list, a CSV with a column name, class, label or type, or one name a line.

    UTF-8, UTF-16 or cp1252. Raises ``OrbicyteError`` for an empty list, names given twice, too long, not printable, or
    reserved.
    """
    text = read_text(path)
    if path.suffix.lower() == ".json":
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise OrbicyteError(f"cannot read {path}: {error}") from error
        return checked_classes(listed, path)
    lines = text.splitlines()
    if path.suffix.lower() == ".csv":
        return checked_classes(_column(lines, path), path)
    return checked_classes([line.strip() for line in lines if line.strip()], path)


def checked_classes(names: object, path: Path) -> list[str]:
    """``names`` if they are a list of names. Raises ``OrbicyteError`` as ``read_classes`` does."""
    if isinstance(names, dict):
        names = names.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OrbicyteError(f"{path}: expected a list of names")
    names = [" ".join(name.split()) for name in names]
    if not names:
        raise OrbicyteError(f"{path} is empty: expected one name a line")
    twice = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    reserved = [name for name in names if name.casefold() in EXTRA]
    wrong = [name for name in names if not 0 < len(name) <= LONGEST or not name.isprintable()]
    if twice:
        raise OrbicyteError(f"{path} has names twice: {', '.join(twice)}")
    if reserved:
        raise OrbicyteError(f"{path}: {', '.join(reserved)} is always there: leave it out")
    if wrong:
        raise OrbicyteError(f"{path}: expected names of 1 to {LONGEST} printable characters, got {wrong[0]!r}")
    return names


def _column(lines: Sequence[str], path: Path) -> list[str]:
    rows = [row for row in csv.reader(lines) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    at = next((header.index(column) for column in COLUMNS if column in header), None)
    if at is None:
        raise OrbicyteError(f"{path} needs a column name, class, label or type: found {', '.join(header) or 'nothing'}")
    return [row[at].strip() for row in rows[1:] if len(row) > at]


def _path(study: Study) -> Path:
    return study.review / "classes.json"
