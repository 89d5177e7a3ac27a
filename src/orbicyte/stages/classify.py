"""classify: predict the types of the cells in a folder of patches."""

from pathlib import Path

from orbicyte.classification.classifier import load_classifier
from orbicyte.classification.prediction import CHUNK, predict, represented, summary
from orbicyte.data.images import names_within, patch_files, readable_patches
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track
from orbicyte.study.files import replacing
from orbicyte.study.runs import PRETRAINED, RunFolder


def classify(
    images: Path | str,
    *,
    run: Path | str = PRETRAINED,
    out: Path | str,
    mpp: float | None = None,
    restandardise: bool = False,
) -> Path:
    """Predict the type of each patch in the folder ``images``, or of the one patch; write a CSV and return its path.

    ``run``: the run folder whose classifier is used, by default the shipped one; ``mpp``: µm per pixel of the patches,
    None if not known; ``restandardise``: first shift and scale the representations to the mean and standard deviation
    of the cells that the classifier was fitted on, against another stain or scanner. One row per cell: ``file`` (within
    the folder), and the columns of ``orbicyte.classification.prediction.predict``. Files that cannot be read are left
    out, with a warning. Raises ``OrbicyteError`` if none can, for a run without a classifier, and for too few cells to
    re-standardise.
    """
    images = Path(images)
    folder_of_run = RunFolder.of(run)
    classifier, embedder = load_classifier(folder_of_run.classifier), Embedder(folder_of_run)
    files, step = patch_files(images), embedder.chunk(CHUNK)
    kept: list[Path] = []
    chunks = (
        embedder.prepare(readable_patches(files[at : at + step], kept), mpp)
        for at in track(range(0, len(files), step), f"classifying {len(files)} cells")
    )
    cells = represented(chunks, embedder)
    if not kept:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    table = predict(cells, classifier, restandardise)
    table.insert(0, "file", names_within(images, kept))
    with replacing(Path(out)) as temporary:
        # File names that are not valid Unicode keep their bytes.
        table.to_csv(temporary, index=False, float_format="%.4f", errors="surrogateescape")
    print_line(summary(table))
    return Path(out)
