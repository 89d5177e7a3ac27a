"""``python -m orbicyte``."""

import sys
from pathlib import Path


def main() -> None:
    """The command line, without the working directory in the first place of Python's path.

    Python puts it there, so that files of a study's or a run's folder could take the place of packages.
    """
    if Path(sys.path[0]).resolve() == Path.cwd().resolve():
        del sys.path[0]
    from orbicyte.cli import main as command

    command()


if __name__ == "__main__":
    main()
