"""Fitting the classifier of a network on labelled cells, and predicting types with it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orbicyte import geometry
from orbicyte.arrays import Doubles, Floats, Pixels
from orbicyte.classification.classifier import RESTANDARDISED_FROM, Classifier, fit_classifier
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.splits import check
from orbicyte.classification.stains import restained
from orbicyte.data.folds import fold_of_run
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder, Embedding, in_chunks
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.settings import EvaluationSettings
from orbicyte.study.types import MANY_OUTSIDE
from orbicyte.text import number_of

CHUNK = 256
"""Patches that are embedded and reconstructed at once."""
LIMIT_CELLS = 2000
"""Labelled cells from which the limit of the variance unexplained is estimated."""
LEAST_VARIANCE = 1e-4
"""Variance of intensities, of about 2.5 grey levels of 255, added to that of each patch: one colour has none."""


@dataclass(frozen=True)
class Represented:
    """What a network finds in N cells.

    ``x`` (N, D): representations; ``variance_unexplained`` (N,): fraction of the patch's variance that reconstructions
    do not explain.
    """

    x: Floats
    variance_unexplained: Doubles


def represented(chunks: Iterable[Pixels], embedder: Embedder) -> Represented:
    """The cells of ``chunks``, patches (n, side_px, side_px, 3) of the network's size, in their order."""
    x, unexplained = [np.zeros((0, embedder.network.latent_size), np.float32)], [np.zeros(0)]
    for patches in chunks:
        if len(patches):
            found = embedder.embed_stored(patches)
            x.append(found.mean)
            unexplained.append(variance_unexplained(embedder, patches, found))
    return Represented(np.concatenate(x), np.concatenate(unexplained))


def fit_and_save(
    store: PatchStore,
    cells: LabelledCells,
    embedder: Embedder,
    evaluation: EvaluationSettings,
    stain_copies: int = 0,
) -> Classifier:
    """Fit the classifier of ``embedder``'s run on the labelled ``cells`` of ``store``; store it in the run folder.

    ``stain_copies``: number of copies of each cell with another stain and light, on which it is fitted too. Raises
    ``OrbicyteError`` for types or groups too small for ``evaluation.folds``.
    """
    record, folder = embedder.record, embedder.folder
    and_copies = f" and {stain_copies} of each with another stain" if stain_copies else ""
    print_line(f"fitting the classifier of {folder.name} on {number_of(len(cells), 'labelled cell')}{and_copies}")
    check(cells, evaluation.folds)
    parts = in_chunks(len(cells), CHUNK)
    x = np.concatenate([embedder.embed_stored(store.images[cells.rows[part]]).mean for part in parts])
    # Where no cell is unlabelled, the network was trained on labelled ones, which it reconstructs better.
    unseen = np.setdiff1d(store.labelled, fold_of_run(store, record).train)
    some = np.random.default_rng([record.settings.seed, 10]).permutation(unseen)[:LIMIT_CELLS]
    unexplained = [variance_unexplained(embedder, store.images[np.sort(some)])]
    copies = []
    for number in track(range(stain_copies), "embedding copies with other stains"):
        chunks = (store.images[cells.rows[chunk]] for chunk in in_chunks(len(cells), CHUNK))
        copy = represented(restained(chunks, embedder.view.fill_rgb, number), embedder)
        copies.append(copy.x)
        unexplained.append(copy.variance_unexplained[np.isin(cells.rows, some)])
    limits = np.concatenate(unexplained)
    classifier = fit_classifier(x, cells, limits, evaluation.folds, record.settings.seed, copies)
    classifier.save(folder.classifier)
    f1 = classifier.card["fold_macro_f1"]
    print_line(
        f"macro F1 {np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f} over {len(f1)} folds by {cells.grouped_by}, on all "
        "labelled cells"
    )
    return classifier


def predict(cells: Represented, classifier: Classifier, restandardise: bool = False) -> pd.DataFrame:
    """One row per cell.

    Columns: ``type``; ``p_<type>`` for each type; ``out_of_distribution``; and its two criteria, each divided by its
    limit: ``distance`` and ``variance_unexplained``. ``restandardise``: first shift and scale the representations to
    the mean and standard deviation of the cells that the classifier was fitted on. Raises ``OrbicyteError`` if there
    are too few cells for that.
    """
    x = classifier.restandardised(cells.x) if restandardise else cells.x
    if x.shape[1] != classifier.size:
        raise OrbicyteError(
            f"the classifier is for representations of {classifier.size} numbers, but the network gives {x.shape[1]}: "
            "it belongs to another network; fit it again with 'orbicyte classify-fit'"
        )
    unexplained = cells.variance_unexplained
    probabilities, distance = classifier.probabilities(x), classifier.distance(x)
    columns = {
        "type": [classifier.classes[best] for best in probabilities.argmax(1)],
        **{f"p_{name}": column for name, column in zip(classifier.classes, probabilities.T, strict=True)},
        "out_of_distribution": classifier.out_of_distribution(distance, unexplained),
        "distance": distance / classifier.limits["distance"],
        "variance_unexplained": unexplained / classifier.limits["variance_unexplained"],
    }
    return pd.DataFrame(columns)


def summary(table: pd.DataFrame) -> str:
    """One line with the cells of each type, from a table with the columns ``type`` and ``out_of_distribution``."""
    counts = ", ".join(f"{count} {name}" for name, count in table["type"].value_counts().items())
    return f"{number_of(len(table), 'cell')}: {counts}; {int(table['out_of_distribution'].sum())} out of distribution"


def warn_if_unlike(table: pd.DataFrame, label_some: str, restandardised: bool) -> None:
    """Warn if many cells of ``table``, of ``predict``, are out of distribution, with what the user can do.

    ``label_some``: how to label cells; ``restandardised``: whether that was done already.
    """
    outside = float(table["out_of_distribution"].mean())
    if outside <= MANY_OUTSIDE:
        return
    can_help = not restandardised and len(table) >= RESTANDARDISED_FROM
    advice = "try --restandardise if their mixture of types is about that of those cells, or " if can_help else ""
    warn(
        f"{outside:.0%} of the cells are out of distribution: their stain, scanner or scale is not that of the cells "
        f"that the classifier was fitted on, so their types are uncertain; {advice}{label_some}"
    )


def variance_unexplained(embedder: Embedder, images: Pixels, embedding: Embedding | None = None) -> Doubles:
    """Fraction of the variance of stored patches (N, side_px, side_px, 3) that reconstructions do not explain: (N,).

    Squared error over squared deviation from the patch's mean colour, pixels weighted as in the loss. ``embedding``:
    that of the patches, if it is known.
    """
    loss = embedder.record.settings.loss
    weight = geometry.centre_weight(embedder.view.size_px, loss.centre_form, loss.centre_width).numpy()[..., None]
    weight /= weight.sum()
    parts = []
    for chunk in in_chunks(len(images), CHUNK):
        known = None if embedding is None else embedding[chunk]
        inputs, reconstructions = embedder.reconstruct(images[chunk], embedding=known)
        mean = (inputs * weight).sum((1, 2), keepdims=True)
        error, variance = (((inputs - other) ** 2 * weight).sum((1, 2)).mean(1) for other in (reconstructions, mean))
        parts.append(error / (variance + LEAST_VARIANCE))
    return np.concatenate(parts).astype(np.float64)
