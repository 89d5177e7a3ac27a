"""classify: predict the types of the cells in a folder of patches."""

from pathlib import Path

from orbicyte.classification.classifier import load_classifier
from orbicyte.classification.prediction import CHUNK, predict, represented, summary, warn_if_unlike
from orbicyte.data.images import left_out, names_within, none_readable, patch_files, readable_patches
from orbicyte.data.reading import value_ranges
from orbicyte.embedding import Embedder, in_chunks
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track
from orbicyte.study.files import check_writable, replacing
from orbicyte.study.runs import PRETRAINED, RunFolder
from orbicyte.text import number_of

LABEL_SOME = (
    "label some of your cells ('orbicyte import IMAGES --labels CSV --out STUDY') and run 'orbicyte classify STUDY'"
)


def classify(
    images: Path | str,
    *,
    run: Path | str = PRETRAINED,
    out: Path | str,
    mpp: float | None = None,
    restandardise: bool = False,
    value_range: tuple[float, float] | None = None,
    device: str | None = None,
) -> Path:
    """Predict the type of each patch in the folder ``images``, or of the one patch; write a CSV and return its path.

    ``run``: the run folder whose classifier is used, by default the shipped one; ``mpp``: µm per pixel of the patches,
    None if not known; ``restandardise``: first shift and scale the representations to the mean and standard deviation
    of the cells that the classifier was fitted on, against another stain or scanner; ``value_range``: black and white
    of images of more than 8 bits, by default decided from all of them (see ``orbicyte.data.values``);
    ``device``: see ``Embedder``. One row per cell:
    ``file`` (within the folder), and the columns of ``orbicyte.classification.prediction.predict``. Files that cannot
    be read are left out, with a warning. Raises ``OrbicyteError`` if none can, for a run without a classifier, for too
    few cells to re-standardise, and, before any work, if ``out`` cannot be written. Warns if many cells are out of
    distribution.
    """
    images = Path(images)
    folder_of_run = RunFolder.of(run)
    classifier, embedder = load_classifier(folder_of_run.classifier), Embedder(folder_of_run, device)
    files = patch_files(images)
    check_writable(Path(out), ".csv")
    ranges = value_ranges(files, value_range)
    kept: list[Path] = []
    chunks = (
        embedder.prepare(readable_patches(files[chunk], kept, ranges), mpp)
        for chunk in track(
            in_chunks(len(files), embedder.chunk(CHUNK)), f"classifying {number_of(len(files), 'cell')}, parts"
        )
    )
    cells = represented(chunks, embedder)
    if not kept:
        raise OrbicyteError(none_readable(images, len(files)))
    table = predict(cells, classifier, restandardise)
    table.insert(0, "file", names_within(images, kept))
    with replacing(Path(out)) as temporary:
        # File names that are not valid Unicode keep their bytes.
        table.to_csv(temporary, index=False, float_format="%.4f", errors="surrogateescape")
    print_line(summary(table) + left_out(len(files) - len(kept)))
    warn_if_unlike(table, LABEL_SOME, restandardise)
    return Path(out)
