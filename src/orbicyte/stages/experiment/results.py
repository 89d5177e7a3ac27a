"""Results of pieces without their weights: small folders that can be kept elsewhere, and count as done."""

import shutil
from pathlib import Path

from orbicyte.study.files import discard, replacing
from orbicyte.study.runs import RUN_FILE, RunFolder


def keep_result(run: RunFolder, results: Path) -> None:
    """Copy the record and the scores of ``run`` to ``results/NAME``, completely or not at all."""
    target = RunFolder(results / run.name)
    with replacing(target.path) as temporary:
        copy = RunFolder(temporary)
        copy.scores.mkdir(parents=True)
        shutil.copy(run.path / RUN_FILE, temporary)
        for path in sorted(run.scores.iterdir()):
            if path.is_file() and path != run.arrays:  # the arrays contain pictures of cells
                shutil.copy(path, copy.scores)
        discard(target.path)


def kept_results(results: Path) -> list[RunFolder]:
    """The results in that folder, sorted by name; not those that are being copied, whose names begin with a dot."""
    return [RunFolder(file.parent) for file in sorted(results.glob(f"[!.]*/{RUN_FILE}"))]
