import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from orbicyte import metrics, plugins, variants
from orbicyte.errors import OrbicyteError

SOURCE = "def make():\n    return {!r}\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package of plug-ins a and b, and files that are not plug-ins."""
    folder = tmp_path / "drawers"
    folder.mkdir()
    for name in ("__init__", "a", "b", "shared"):
        (folder / f"{name}.py").write_text(SOURCE.format(name))
    (folder / "__init__.py").write_text('NOT_PLUGINS = ("shared",)')
    (folder / "broken.py").write_text("raise RuntimeError('imported')\n")
    (folder / "notes.txt").write_text("no plug-in")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "drawers"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("drawers")


@pytest.fixture
def others(tmp_path: Path, package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another distribution, in the form and the place in which pip installs, that adds ``c``."""
    folder = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(str(folder))
    (folder / "elsewhere-1.0.dist-info").mkdir(parents=True)
    (folder / "elsewhere.py").write_text(SOURCE.format("c of another package"))
    about = folder / "elsewhere-1.0.dist-info"
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[drawers]\nc = elsewhere\n\n[unrelated]\nd = elsewhere\n")
    importlib.invalidate_caches()


def test_files_are_plugins_and_listing_them_imports_none(package: ModuleType) -> None:
    assert plugins.names(package) == ["a", "b", "broken"]
    assert not {"drawers.a", "drawers.broken"} & sys.modules.keys()
    assert plugins.load(package, "b", "make")() == "b"
    assert "drawers.a" not in sys.modules


@pytest.mark.usefixtures("others")
def test_entry_points_with_the_name_of_the_package_are_plugins_too(package: ModuleType) -> None:
    assert plugins.names(package) == ["a", "b", "broken", "c"]
    assert plugins.load(package, "c", "make")() == "c of another package"
    assert plugins.load(package, "a", "make")() == "a"


@pytest.mark.usefixtures("others")
def test_a_package_in_the_working_directory_is_not_installed(
    package: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tmp_path / "site-packages", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *(name for name in sys.path if "site-packages" not in name)])
    assert plugins.names(package) == ["a", "b", "broken"]
    monkeypatch.chdir(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    assert plugins.names(package) == ["a", "b", "broken"]


@pytest.mark.parametrize("name", ["d", "shared", "", "a.b", "../a", "__init__"])
def test_an_unknown_name_lists_the_available_ones(package: ModuleType, name: str) -> None:
    with pytest.raises(OrbicyteError, match="among the drawers: available are a, b, broken"):
        plugins.load(package, name, "make")


def test_a_name_that_is_nearly_right_gives_the_right_one() -> None:
    with pytest.raises(OrbicyteError, match="no 'framed-HNet' among the networks: did you mean framed_hnet"):
        plugins.require(variants, "framed-HNet")


@pytest.mark.parametrize(("of", "function"), [(metrics, "measure"), (variants, "variant")])
def test_every_shipped_plugin_loads(of: ModuleType, function: str) -> None:
    assert plugins.names(of)
    for name in plugins.names(of):
        assert callable(plugins.load(of, name, function))
