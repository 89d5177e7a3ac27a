"""The cells of PBC as a study."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from orbicyte.data.images import list_images
from orbicyte.stages.import_ import import_
from orbicyte.study.files import replacing


def import_pbc(data: Path, study: Path, unlabelled: int | None, max_cells: int | None = None) -> None:
    """Make ``study``, unless it is there, with all labelled cells of ``data/pbc`` and random unlabelled ones.

    ``unlabelled``: their number, None for all; ``max_cells``: number of all cells, sampled with the share of each type
    kept.
    """
    if study.exists():
        return
    files = list_images(data / "pbc" / "unlabelled")
    labels = data / "pbc" / "labelled.csv"
    with tempfile.TemporaryDirectory() as chosen, replacing(study) as temporary:
        for i in np.random.default_rng(0).permutation(len(files))[:unlabelled]:
            shutil.copy(files[i], chosen)
        import_(labels.with_suffix(""), temporary, labels=labels, unlabelled=Path(chosen), max_cells=max_cells)
