"""A package's files are its plug-ins: the file's name is the plug-in's name.

Other packages add plug-ins through entry points; the group has the name of the package, for example
``[project.entry-points."orbicyte.metrics"]``. Only installed packages do: those in a folder ``site-packages`` that is
not the working directory, where a folder of somebody else's files may claim to be a package.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import ModuleType
from typing import Any

from orbicyte.errors import OrbicyteError

INSTALLED = ("site-packages", "dist-packages")
"""Names of the folders in which packages are installed."""


def names(package: ModuleType) -> list[str]:
    """The plug-ins of ``package``, sorted by name; none of them is imported.

    They are its files, except those that it lists in ``NOT_PLUGINS``, and those that entry points add.
    """
    others = getattr(package, "NOT_PLUGINS", ())
    files = {module.name for module in pkgutil.iter_modules(package.__path__) if module.name not in others}
    return sorted(files | {entry.name for entry in _installed(package.__name__)})


def load(package: ModuleType, name: str, function: str) -> Callable[..., Any]:
    """The ``function`` of plug-in ``name``. Raises ``OrbicyteError`` with the available plug-ins."""
    for entry in (entry for entry in _installed(package.__name__) if entry.name == name):
        return getattr(entry.load(), function)  # type: ignore[no-any-return]
    require(package, name)
    return getattr(importlib.import_module(f"{package.__name__}.{name}"), function)  # type: ignore[no-any-return]


def require(package: ModuleType, name: str) -> None:
    """Raise ``OrbicyteError`` with the available plug-ins unless ``name`` is one; nothing is imported."""
    known = names(package)
    if name not in known:
        kind = getattr(package, "KIND", package.__name__.rpartition(".")[2])
        near = get_close_matches(name.lower().replace("-", "_"), known, n=1)
        advice = f"did you mean {near[0]}? " if near else ""
        raise OrbicyteError(f"no {name!r} among the {kind}: {advice}available are {', '.join(known)}")


def _installed(group: str) -> list[EntryPoint]:
    """The entry points of ``group`` in installed packages, the first package of each name."""
    here = Path.cwd().resolve()
    folders = [Path(name).resolve() for name in sys.path if Path(name).name in INSTALLED]
    others = tuple(str(folder) for folder in folders if folder != here)
    return [entry for entry in _entry_points(others) if entry.group == group]


@cache
def _entry_points(folders: tuple[str, ...]) -> list[EntryPoint]:
    """All entry points of the packages in ``folders``. Kept, as reading them takes a tenth of a second."""
    found = {package.metadata["Name"]: package for package in reversed(list(distributions(path=list(folders))))}
    return [entry for package in found.values() for entry in package.entry_points]
