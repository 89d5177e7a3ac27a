"""Installs the lowest versions that pyproject.toml allows in a fresh environment, and runs smoke_test.py there.

python scripts/try_lower_bounds.py

The dependencies, the extra ``onnx`` and the build requirements have exactly their lower bounds, as wheels; their own
dependencies have the newest versions. Needs PyPI, the npm registry, some GB in the folder for temporary files, and
minutes. The last line is the result, for the section "Lower bounds" of CONTRIBUTING.md.
"""

import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Exit code 1 if a version cannot be installed, or the smoke test fails."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins, build_pins = bounds(project)
    print("\n".join((*pins, *build_pins)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        passed = all(run(*step) for step in steps(Path(folder), pins, build_pins))
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    print(f"{datetime.date.today()}, {where}: {'passed' if passed else 'failed'}: {', '.join(pins + build_pins)}")
    sys.exit(not passed)


def bounds(project: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What to install, and what to build with, as ``name==version``. Raises ``ValueError`` without a lower bound."""
    needed = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["onnx"]]
    lowest = [[pin(Requirement(text)) for text in texts] for texts in (needed, project["build-system"]["requires"])]
    return lowest[0], lowest[1]


def pin(requirement: Requirement) -> str:
    """The lower bound of a requirement as ``name==version``."""
    versions = [one.version for one in requirement.specifier if one.operator == ">="]
    if len(versions) != 1 or not requirement.specifier.contains(versions[0]):
        raise ValueError(f"{requirement}: expected one lower bound (>=) that is not excluded")
    return f"{requirement.name}=={versions[0]}"


def steps(folder: Path, pins: list[str], build_pins: list[str]) -> list[tuple[list[str | Path], dict[str, str]]]:
    """Commands, each with the environment variables that it needs."""
    environment, source, constraints = folder / "venv", folder / "source", folder / "build.txt"
    venv.create(environment, with_pip=True)
    copy_source(source)
    constraints.write_text("\n".join(build_pins), encoding="utf-8")
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
    # Of these variables, pip before 25.3 takes the first for a build, later ones the second.
    building = {"PIP_CONSTRAINT": str(constraints), "PIP_BUILD_CONSTRAINT": str(constraints)}
    return [
        ([*pip, "--only-binary=:all:", *pins], {}),
        ([*pip, "--no-deps", source], building),
        ([python, "-m", "pip", "check"], {}),
        ([python, ROOT / "scripts" / "smoke_test.py", folder / "smoke"], {"PYTHONPATH": ""}),
    ]


def copy_source(to: Path) -> None:
    """The files that git knows, as they are now: without a page or a wheel that was built before."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)


def run(command: list[str | Path], variables: dict[str, str]) -> bool:
    """Whether the command ends with exit code 0."""
    print(*command, flush=True)
    return subprocess.run(command, env={**os.environ, **variables}, cwd=tempfile.gettempdir()).returncode == 0


if __name__ == "__main__":
    main()
