"""The cell types of a study: the paper's ten, or the user's own list, kept in ``review/classes.json``."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from orbicyte.cell_types import TYPES
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_format, write_json
from orbicyte.study.folder import Study

FORMAT = 1
OTHER, UNSURE, NO_CELL = "other", "unsure", "not a cell"
RESERVED = (OTHER, UNSURE, NO_CELL)
"""Labels that every study has in addition to its types."""
LONGEST = 60
MOST = 1000


def chosen_classes(study: Study) -> list[str]:
    """The cell types of ``study``: its own list, else the paper's ten. Raises ``OrbicyteError`` if it is damaged."""
    path = _path(study)
    if not path.exists():
        return list(TYPES)
    return checked_classes(check_format(path, FORMAT).get("classes"), path)


def choose_classes(study: Study, classes: Sequence[str], used: Collection[str]) -> None:
    """Store ``classes`` in ``study``. Raises ``OrbicyteError`` if a label in ``used`` is missing."""
    missing = sorted(set(used) - set(classes) - set(RESERVED))
    if missing:
        raise OrbicyteError(
            f"the new list lacks labels that cells of {study.path} have: {', '.join(missing)}: add them"
        )
    if list(classes) != chosen_classes(study):
        write_json(_path(study), {"format": FORMAT, "classes": list(classes)})


def checked_classes(names: object, path: Path) -> list[str]:
    """``names``, if they are a list of cell types, with single spaces.

    Raises ``OrbicyteError`` for an empty list and for types that occur twice, are too long, not printable, or reserved.
    """
    if isinstance(names, dict):
        names = names.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OrbicyteError(f"{path}: expected a list of cell types")
    names = [" ".join(name.split()) for name in names]
    if len(names) > MOST:
        raise OrbicyteError(f"{path}: expected at most {MOST} cell types, got {len(names)}")
    if not names:
        raise OrbicyteError(f"{path} is empty: expected one cell type per line")
    twice = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    reserved = [name for name in names if name.casefold() in RESERVED]
    wrong = [name for name in names if not 0 < len(name) <= LONGEST or not name.isprintable()]
    if twice:
        raise OrbicyteError(f"{path} has duplicate cell types: {', '.join(twice)}")
    if reserved:
        raise OrbicyteError(f"{path}: {', '.join(reserved)} is reserved and always available: leave it out")
    if wrong:
        raise OrbicyteError(f"{path}: expected cell types of 1 to {LONGEST} printable characters, got {wrong[0]!r}")
    return names


def _path(study: Study) -> Path:
    return study.review / "classes.json"
