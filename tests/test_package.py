"""What ``import orbicyte`` offers."""

import subprocess
import sys
from importlib.metadata import version

import click
import pytest
import typer.main

import orbicyte
from orbicyte import cli

OTHER_NAMES = {
    "import": "import_",
    "slides check": "check_slides",
    "slides draw": "draw_slides",
    "slides drop": "drop_slides",
    "detector train": "train_detector",
    "types rename": "rename_type",
}
"""Commands whose function has another name than their words joined by an underscore."""
OF_PATCHES_OR_STUDIES = {"embed_images", "classify_study"}
"""Functions of commands that take a study or a folder of patches, with one function for each."""
WITHOUT_FUNCTION = {"review", "settings"}
"""Commands that run a server, or print what is in ``orbicyte.settings``."""


def commands(group: click.Group, prefix: str = "") -> list[str]:
    """All commands, those within groups as ``group command``."""
    found = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += commands(command, f"{prefix}{name} ") if inner else [prefix + name]  # type: ignore[arg-type]
    return found


def test_every_command_is_a_function() -> None:
    words = set(commands(typer.main.get_command(cli.app))) - WITHOUT_FUNCTION  # type: ignore[arg-type]
    names = {OTHER_NAMES.get(word, word.replace(" ", "_").replace("-", "_")) for word in words}
    assert names == set(orbicyte.__all__) - {"__version__", "load", *OF_PATCHES_OR_STUDIES}
    assert all(callable(getattr(orbicyte, name)) for name in orbicyte.__all__ if name != "__version__")


def test_names_and_version_can_be_listed() -> None:
    assert set(orbicyte.__all__) <= set(dir(orbicyte))
    assert orbicyte.__version__ == version("orbicyte")
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = orbicyte.magic


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, orbicyte; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'pandas')))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_harmonic_layers_import_nothing_else_of_the_package_and_no_other_library_than_torch() -> None:
    code = (
        "import sys, orbicyte.harmonic; "
        "own = {name for name in sys.modules if name.startswith('orbicyte') and name != 'orbicyte'}; "
        "other = {'pandas', 'sklearn', 'pydantic', 'lightning', 'scipy', 'skimage'} & set(sys.modules); "
        "sys.exit(bool(other) or any(not name.startswith('orbicyte.harmonic') for name in own))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
