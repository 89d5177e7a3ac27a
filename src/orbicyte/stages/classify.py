"""classify: the shallow classifier of a run, fitted on all labelled cells, and cells typed with it."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte import geometry
from orbicyte.classifier import Classifier, fit_classifier, load_classifier
from orbicyte.data.folds import group_column
from orbicyte.data.images import UnreadableImage, list_images, read_patch
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells
from orbicyte.progress import say, track, warn
from orbicyte.study import Study, replacing
from orbicyte.training.run_folder import RunFolder

CHUNK = 256
ERROR_CELLS = 2000
"""Labelled cells whose reconstruction errors set the limit of what is like them."""


def classify_fit(run: Path | str) -> Path:
    """Fit the classifier of the run folder ``run`` on all labelled cells of its study; return its folder."""
    folder = RunFolder(Path(run))
    folder.record()
    study = Study.open(folder.path.resolve().parent.parent)
    with study.lock():
        store, embedder, settings = PatchStore.open(study.patches), Embedder(folder), folder.settings()
        rows = store.labelled
        grouped_by, groups = group_column(store.cells.iloc[rows])
        types = store.cells["label"].to_numpy()[rows].astype(str)
        names = np.arange(len(rows)).astype(str) if groups is None else np.asarray(groups).astype(str)
        say(f"fitting the classifier of {folder.path.name} on {len(rows)} labelled cells")
        cells = Cells(embedder.stored(store.images[rows]).mean, types, names, grouped_by)
        some = np.random.default_rng(settings.seed).permutation(rows)[:ERROR_CELLS]
        error = reconstruction_error(embedder, store.images[np.sort(some)])
        classifier = fit_classifier(cells, error, settings.evaluation.folds, settings.seed)
        classifier.save(folder.classifier)
    f1 = classifier.card["fold_macro_f1"]
    say(f"macro F1 {np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f} over {len(f1)} folds by {grouped_by}")
    return folder.classifier


def classify(images: Path | str, *, run: Path | str, out: Path | str, mpp: float | None = None) -> Path:
    """Type each patch in the folder ``images``, or the one patch, with the classifier of ``run``; write a CSV.

    One row a cell: ``file``, ``type``, ``p_<type>`` for each type, ``unlike_training`` and what that is judged by:
    ``distance`` and ``reconstruction_error``, each over its limit. Files that cannot be read are told and left out.
    """
    classifier, embedder = load_classifier(RunFolder(Path(run)).classifier), Embedder(RunFolder(Path(run)))
    files = [Path(images)] if Path(images).is_file() else list_images(Path(images), recursive=True)
    if not files:
        raise OrbicyteError(f"no images in {images}: expected PNG, JPEG or TIFF files")
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    tables = [_typed(chunk, classifier, embedder, mpp) for chunk in track(chunks, f"typing {len(files)} cells")]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    with replacing(Path(out)) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    counts = ", ".join(f"{count} {name}" for name, count in table["type"].value_counts().items())
    say(f"{len(table)} cells: {counts}; {int(table['unlike_training'].sum())} unlike the training set")
    return Path(out)


def reconstruction_error(embedder: Embedder, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Centre-weighted mean squared error of the reconstruction of stored patches (N, side, side, 3): (N,)."""
    loss = embedder.folder.settings().loss
    weight = geometry.centre_weight(embedder.view.size_px, loss.centre_form, loss.centre_width).numpy()[
        None, :, :, None
    ]
    parts = []
    for start in range(0, len(images), CHUNK):
        seen, made = embedder.pictures(images[start : start + CHUNK])
        parts.append(((seen - made) ** 2 * weight).sum((1, 2, 3)) / (weight.sum() * 3))
    return np.concatenate(parts).astype(np.float64)


def _typed(files: list[Path], classifier: Classifier, embedder: Embedder, mpp: float | None) -> pd.DataFrame:
    patches, kept = [], []
    for file in files:
        try:
            patches.append(read_patch(file))
        except UnreadableImage as reason:
            warn(f"{file} is left out: {reason}")
        else:
            kept.append(file)
    if not kept:
        return pd.DataFrame({"type": [], "unlike_training": []})
    stored = embedder.prepared(patches, mpp)
    x, error = embedder.stored(stored).mean, reconstruction_error(embedder, stored)
    probabilities = classifier.probabilities(x)
    table = pd.DataFrame({"file": [str(file) for file in kept]})
    table["type"] = [classifier.classes[best] for best in probabilities.argmax(1)]
    table[[f"p_{name}" for name in classifier.classes]] = probabilities
    table["unlike_training"] = classifier.unlike(x, error)
    table["distance"] = classifier.distance(x) / classifier.limits["distance"]
    table["reconstruction_error"] = error / classifier.limits["error"]
    return table
