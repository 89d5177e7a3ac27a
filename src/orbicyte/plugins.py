"""A package's files are its plug-ins: the file's name is the plug-in's name.

Other packages add plug-ins through entry points; the group has the name of the package, for example
``[project.entry-points."orbicyte.metrics"]``.
"""

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from orbicyte.errors import OrbicyteError


def names(package: ModuleType) -> list[str]:
    """The plug-ins of ``package``, sorted by name; none of them is imported.

    They are its files, except those that it lists in ``NOT_PLUGINS``, and those that entry points add.
    """
    others = getattr(package, "NOT_PLUGINS", ())
    files = {module.name for module in pkgutil.iter_modules(package.__path__) if module.name not in others}
    return sorted(files | {entry.name for entry in entry_points(group=package.__name__)})


def load(package: ModuleType, name: str, function: str) -> Callable[..., Any]:
    """The ``function`` of plug-in ``name``. Raises ``OrbicyteError`` with the available plug-ins."""
    for entry in entry_points(group=package.__name__, name=name):
        return getattr(entry.load(), function)  # type: ignore[no-any-return]
    if name not in names(package):
        kind = getattr(package, "KIND", package.__name__.rpartition(".")[2])
        raise OrbicyteError(f"no {name!r} among the {kind}: available are {', '.join(names(package))}")
    return getattr(importlib.import_module(f"{package.__name__}.{name}"), function)  # type: ignore[no-any-return]
