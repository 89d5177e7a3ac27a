"""Reading hostile files in a child process with at most 1 GB of memory, and for each 10 s of processor time.

A child process, as limits are for a whole process; beyond them it fails, or is ended.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

GB, SECONDS = 2**30, 10


def each(folder: Path, outcome: Callable[[Path], str]) -> None:
    """In the child: print the name of each file in ``folder``, a tab, and its outcome."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GB, -1))
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            used_s = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
            resource.setrlimit(resource.RLIMIT_CPU, (int(used_s) + 1 + SECONDS, -1))
            sys.stdout.write(f"{path.name}\t{outcome(path)}\n")
            sys.stdout.flush()


def outcomes(script: str, *arguments: Path) -> dict[str, list[str]]:
    """What ``each`` printed in a child that runs ``script``, by the name of the file, split at tabs."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, env=environment, timeout=300
    )
    assert result.returncode == 0, result.stdout[-500:] + result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    return {name: parts for name, *parts in lines}
