"""Paths on the command line, checked before anything slow is imported: a mistyped one is refused at once."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from orbicyte.cli.app import ended
from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder

T = TypeVar("T")


def existing(value: Any) -> Any:
    """``value``, a path, several, or None. Ends the command if one of them does not exist."""
    paths = value if isinstance(value, Iterable) else [value]
    return _checked(value, lambda: _require([path for path in paths if path is not None]))


def study(value: Path) -> Path:
    """``value``, the folder of a study. Ends the command if it is not one."""
    return _checked(value, lambda: Study.open(value))


def run_folder(value: Path) -> Path:
    """``value``, a run folder. Ends the command if it is not one."""
    return _checked(value, lambda: RunFolder(value).record())


def require_runs(study: Path, runs: Iterable[Path | str]) -> None:
    """Raise ``OrbicyteError`` unless each of ``runs``, paths or names, is a run of ``study``."""
    for run in runs:
        RunFolder(Study.open(study).run(run)).record()


def _require(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise OrbicyteError(f"{path} does not exist")


def _checked(value: T, check: Callable[[], object]) -> T:
    try:
        check()
    except OrbicyteError as error:
        raise ended(str(error), 2) from None
    return value
