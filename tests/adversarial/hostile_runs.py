"""Load each hostile run folder with at most 1 GB of memory beyond the start; prints one line for each.

python hostile_runs.py FOLDER, whose folders are the runs. A child process: a limit of memory is for a whole process.
"""

import resource
import sys
from pathlib import Path

import numpy as np

import orbicyte
from orbicyte.errors import OrbicyteError

GB = 2**30
IMAGES = np.zeros((2, 32, 32, 3), np.uint8)


def main() -> None:
    """Print the name of each run, and its error or what it gives."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GB, -1))
    for run in sorted(Path(sys.argv[1]).iterdir()):
        try:
            result = f"gives {orbicyte.load(run, 'cpu').embed(IMAGES).shape}"
        except OrbicyteError as error:
            result = f"orbicyte: {error}"
        sys.stdout.write(f"{run.name}: {result}\n")


if __name__ == "__main__":
    main()
