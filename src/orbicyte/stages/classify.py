"""classify: predict the types of the cells in a folder of patches."""

from pathlib import Path

import pandas as pd

from orbicyte.classification.classifier import Classifier, load_classifier
from orbicyte.classification.prediction import CHUNK, predict, summary
from orbicyte.data.images import names_within, patch_files, readable_patches
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track
from orbicyte.study.files import replacing
from orbicyte.study.runs import PRETRAINED, RunFolder


def classify(images: Path | str, *, run: Path | str = PRETRAINED, out: Path | str, mpp: float | None = None) -> Path:
    """Predict the type of each patch in the folder ``images``, or of the one patch; write a CSV and return its path.

    ``run``: the run folder whose classifier is used, by default the shipped one; ``mpp``: µm per pixel of the patches,
    None if not known. One row per cell: ``file`` (within the folder), and the columns of
    ``orbicyte.classification.prediction.predict``. Files that cannot be read are left out, with a warning. Raises
    ``OrbicyteError`` if none can, and for a run without a classifier.
    """
    images = Path(images)
    folder_of_run = RunFolder.of(run)
    classifier, embedder = load_classifier(folder_of_run.classifier), Embedder(folder_of_run)
    files = patch_files(images)
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    tables = [
        _predicted(chunk, classifier, embedder, mpp) for chunk in track(chunks, f"classifying {len(files)} cells")
    ]
    read = [table for table in tables if table is not None]
    if not read:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    table = pd.concat(read, ignore_index=True)
    table["file"] = names_within(images, table["file"].tolist())
    with replacing(Path(out)) as temporary:
        # File names that are not valid Unicode keep their bytes.
        table.to_csv(temporary, index=False, float_format="%.4f", errors="surrogateescape")
    print_line(summary(table))
    return Path(out)


def _predicted(files: list[Path], classifier: Classifier, embedder: Embedder, mpp: float | None) -> pd.DataFrame | None:
    """The rows of the files that can be read, None if none can."""
    kept: list[Path] = []
    stored = embedder.prepare(readable_patches(files, kept), mpp)
    if not kept:
        return None
    table = predict(stored, classifier, embedder)
    table.insert(0, "file", kept)
    return table
