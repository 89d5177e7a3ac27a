"""classify: the shallow classifier of a run, fitted on all labelled cells, and cells typed with it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte import geometry
from orbicyte.classifier import Classifier, fit_classifier, load_classifier
from orbicyte.data.images import UnreadableImage, list_images, read_patch
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells, check
from orbicyte.progress import say, track, warn
from orbicyte.settings import EvaluationSettings
from orbicyte.stages.embed import trained_patches
from orbicyte.stages.named import labelled_cells
from orbicyte.stages.train import training_fold
from orbicyte.study import Study, replacing
from orbicyte.training.run_folder import RunFolder

CHUNK = 256
UNEXPLAINED_CELLS = 2000
"""Labelled cells that set the limit of what reconstructions may miss."""
EVEN = 1e-4
"""Variance of intensities, about two grey levels of 255, that counts as contrast in even patches."""


def classify_fit(run: Path | str, evaluation: EvaluationSettings | None = None) -> Path:
    """Fit the classifier of the run folder ``run`` on all labelled cells of its study; return its folder.

    ``evaluation``: by default as the run was trained; its ``folds`` give the fold F1 and the calibration. Raises
    ``OrbicyteError`` for a run outside its study, and types or groups too small for the folds.
    """
    folder = RunFolder(Path(run))
    settings = folder.settings()
    study = _study_of(folder)
    with study.lock():
        store, embedder = trained_patches(study, folder), Embedder(folder)
        fit_on(store, labelled_cells(store), store.labelled, embedder, evaluation or settings.evaluation)
    return folder.classifier


def fit_on(
    store: PatchStore, cells: Cells, rows: NDArray[np.int64], embedder: Embedder, evaluation: EvaluationSettings
) -> Classifier:
    """Fit the classifier of a run on ``cells``, labelled ones in these ``rows``, and keep it in the run folder."""
    folder = embedder.folder
    settings = folder.settings()
    say(f"fitting the classifier of {folder.path.name} on {len(cells)} labelled cells")
    cells = replace(cells, x=embedder.stored(store.images[rows]).mean)
    check(cells, evaluation.folds)
    # Where no cell is unlabelled the network was trained on labelled ones, which it reconstructs better.
    unseen = np.setdiff1d(store.labelled, training_fold(store, settings, folder.run().fold).train)
    some = np.random.default_rng([settings.seed, 10]).permutation(unseen)[:UNEXPLAINED_CELLS]
    missed = unexplained(embedder, store.images[np.sort(some)])
    classifier = fit_classifier(cells, missed, evaluation.folds, settings.seed)
    classifier.save(folder.classifier)
    f1 = classifier.card["fold_macro_f1"]
    say(f"macro F1 {np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f} over {len(f1)} folds by {cells.grouped_by}")
    return classifier


def classify(images: Path | str, *, run: Path | str, out: Path | str, mpp: float | None = None) -> Path:
    """Type each patch in the folder ``images``, or the one patch, with the classifier of ``run``; write a CSV.

    One row a cell: ``file`` (within the folder), ``type``, ``p_<type>`` for each type, ``unlike_training`` and what
    that is judged by: ``distance`` and ``unexplained``, each over its limit. Files that cannot be read are told and
    left out. Raises ``OrbicyteError`` if none can, and for a run without a classifier.
    """
    images = Path(images)
    classifier, embedder = load_classifier(RunFolder(Path(run)).classifier), Embedder(RunFolder(Path(run)))
    files = [images] if images.is_file() else list_images(images)
    if not files:
        raise OrbicyteError(f"no images in {images}: expected PNG, JPEG or TIFF files")
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    tables = [_typed(chunk, classifier, embedder, mpp) for chunk in track(chunks, f"typing {len(files)} cells")]
    read = [table for table in tables if table is not None]
    if not read:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    table = pd.concat(read, ignore_index=True)
    folder = images.parent if images.is_file() else images
    table["file"] = [Path(file).relative_to(folder).as_posix() for file in table["file"]]
    with replacing(Path(out)) as temporary:
        # File names that are no Unicode keep their bytes.
        table.to_csv(temporary, index=False, float_format="%.4f", errors="surrogateescape")
    counts = ", ".join(f"{count} {name}" for name, count in table["type"].value_counts().items())
    say(f"{len(table)} cells: {counts}; {int(table['unlike_training'].sum())} unlike the training set")
    return Path(out)


def unexplained(embedder: Embedder, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of the contrast of stored patches (N, side, side, 3) that their reconstructions miss: (N,).

    Squared error over squared deviation from the patch's mean colour, pixels weighted as in the loss.
    """
    loss = embedder.folder.settings().loss
    weight = geometry.centre_weight(embedder.view.size_px, loss.centre_form, loss.centre_width).numpy()[..., None]
    weight /= weight.sum()
    parts = []
    for start in range(0, len(images), CHUNK):
        seen, made = embedder.pictures(images[start : start + CHUNK])
        mean = (seen * weight).sum((1, 2), keepdims=True)
        error, contrast = (((seen - other) ** 2 * weight).sum((1, 2)).mean(1) for other in (made, mean))
        parts.append(error / (contrast + EVEN))
    return np.concatenate(parts).astype(np.float64)


def _study_of(folder: RunFolder) -> Study:
    path = folder.path.resolve().parent.parent
    if not (path / "study.json").exists():
        raise OrbicyteError(
            f"{folder.path} is not in a study, whose labelled cells a classifier is fitted on: move it back"
        )
    return Study.open(path)


def _typed(files: list[Path], classifier: Classifier, embedder: Embedder, mpp: float | None) -> pd.DataFrame | None:
    """The rows of the files that can be read, None if none can."""
    kept: list[str] = []
    stored = embedder.prepared(_readable(files, kept), mpp)
    if not kept:
        return None
    table = typed(stored, classifier, embedder)
    table.insert(0, "file", kept)
    return table


def typed(stored: NDArray[np.uint8], classifier: Classifier, embedder: Embedder) -> pd.DataFrame:
    """One row for each patch of the store's size (N, side, side, 3), with the columns that ``classify`` tells of."""
    x, missed = embedder.stored(stored).mean, unexplained(embedder, stored)
    probabilities, distance = classifier.probabilities(x), classifier.distance(x)
    columns = {
        "type": [classifier.classes[best] for best in probabilities.argmax(1)],
        **{f"p_{name}": column for name, column in zip(classifier.classes, probabilities.T, strict=True)},
        "unlike_training": classifier.unlike(distance, missed),
        "distance": distance / classifier.limits["distance"],
        "unexplained": missed / classifier.limits["unexplained"],
    }
    return pd.DataFrame(columns)


def _readable(files: list[Path], kept: list[str]) -> Iterator[NDArray[np.uint8]]:
    """The patches, one at a time; names of those that can be read are added to ``kept``."""
    for file in files:
        try:
            patch = read_patch(file)
        except UnreadableImage as reason:
            warn(f"{file} is left out: {reason}")
            continue
        kept.append(str(file))
        yield patch
