"""The shallow classifier of a run as files: safetensors and JSON, no pickles.

It is the ``mlp`` probe (paper 2.4: a "shallow classification network"), with its probabilities calibrated by a
temperature (Guo et al. 2017) and two limits beyond which a cell is out of distribution. 99 % of the held-out labelled
cells are within each limit. Neither limit is sufficient alone: for some networks the representations of noise and of
patches of one colour are close to those of cells, and patches of other colours are reconstructed fairly well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from orbicyte.arrays import Counts, Doubles, Flags, Floats, Strings
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import fitted, mlp_probe
from orbicyte.classification.splits import Split, splits, splits_by_cell
from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.study.classifier_files import CLASSIFIER, FORMAT, TENSORS, WEIGHTS, read_classifier
from orbicyte.study.files import replacing, write_json
from orbicyte.study.reading import sha256

LIMIT_QUANTILE = 0.99
"""Share of held-out labelled cells within each limit."""
CALIBRATION_BINS = 10
RESTANDARDISED_FROM = 100
"""Least number of cells whose mean and standard deviation may replace those of the labelled cells."""

FIELDS = ("classes", "temperature", "limits", "card")


@dataclass(frozen=True)
class Classifier:
    """``classes``: C names; ``tensors``: standardisation, two layers, and the labelled cells' mean and precision.

    ``limits``: the largest ``distance`` (Mahalanobis) and ``variance_unexplained`` (fraction of the patch's variance
    that the reconstruction leaves unexplained) within the distribution of the labelled cells. ``card``: fold F1,
    calibration, numbers of cells, confusion. ``held_out`` (M, C): probabilities of the cells it was fitted on, each by
    a probe that was not fitted on it; None for a classifier that was loaded.
    """

    classes: list[str]
    tensors: dict[str, Doubles]
    temperature: float
    limits: dict[str, float]
    card: dict[str, Any]
    held_out: Doubles | None = field(default=None, repr=False, compare=False)

    def probabilities(self, x: Floats | Doubles) -> Doubles:
        """Calibrated probability of each type, 0 to 1, from representations: (N, D) -> (N, C)."""
        return _calibrated(self._logits(x), self.temperature)

    def distance(self, x: Floats | Doubles) -> Doubles:
        """Mahalanobis distance of representations (N, D) from the labelled cells: (N,), 0 or more."""
        centred = x - self.tensors["mean"]
        return np.asarray(np.sqrt(np.einsum("nd,de,ne->n", centred, self.tensors["precision"], centred)))

    def out_of_distribution(self, distance: Doubles, variance_unexplained: Doubles) -> Flags:
        """True for cells beyond either limit: (N,) and (N,) -> (N,)."""
        # What is not known to be within the limits, such as NaN, is outside.
        return ~((distance <= self.limits["distance"]) & (variance_unexplained <= self.limits["variance_unexplained"]))

    @property
    def size(self) -> int:
        """Dimensions of the representations that it is for."""
        return len(self.tensors["centre"])

    @property
    def confusion(self) -> Counts:
        """Cells it was fitted on, by label and by the type that a probe not fitted on them predicts: (C, C).

        Raises ``OrbicyteError`` for a classifier of a format without it.
        """
        if "confusion" not in self.card:
            raise OrbicyteError(
                f"the classifier of {', '.join(self.classes)} was fitted by an older orbicyte and has no confusion "
                "matrix of held-out cells, which a differential count needs: fit it again with 'orbicyte classify-fit'"
            )
        return np.array(self.card["confusion"], dtype=np.int64)

    def restandardised(self, x: Floats) -> Doubles:
        """``x`` (N, D), shifted and scaled to the mean and standard deviation that the fitted cells had: (N, D).

        This removes what another stain or scanner changes in all cells alike. It is wrong where the cells differ
        because other types are among them. Raises ``OrbicyteError`` for fewer cells than ``RESTANDARDISED_FROM``.
        """
        if len(x) < RESTANDARDISED_FROM:
            raise OrbicyteError(
                f"--restandardise needs at least {RESTANDARDISED_FROM} cells of your own, to know their mean and "
                f"standard deviation, but there are {len(x)}: give more cells, or leave it out"
            )
        own = StandardScaler().fit(x.astype(np.float64))
        return np.asarray(own.transform(x) * self.tensors["scale"] + self.tensors["centre"])

    def _logits(self, x: Floats | Doubles) -> Doubles:
        t = self.tensors
        hidden = np.maximum((x - t["centre"]) / t["scale"] @ t["weight1"] + t["bias1"], 0)
        logits: Doubles = hidden @ t["weight2"] + t["bias2"]
        # For two classes scikit-learn has one logistic output.
        return logits if logits.shape[1] > 1 else np.hstack((np.zeros_like(logits), logits))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``classifier.json``, which holds the digest of the former.

        Raises ``OrbicyteError`` if they cannot be written.
        """
        content = save({name: np.ascontiguousarray(value) for name, value in self.tensors.items()})
        with replacing(folder / WEIGHTS) as temporary:
            temporary.write_bytes(content)
        known = {name: getattr(self, name) for name in FIELDS}
        write_json(folder / CLASSIFIER, {"format": FORMAT, **known, "weights_sha256": sha256(content)})


def load_classifier(folder: Path) -> Classifier:
    """The classifier in ``folder``. Raises ``OrbicyteError`` if it is absent, damaged or newer."""
    if not (folder / CLASSIFIER).exists():
        raise OrbicyteError(f"no classifier in {folder.parent}: make one with 'orbicyte classify-fit {folder.parent}'")
    record, tensors = read_classifier(folder)
    return Classifier(record.classes, tensors, record.temperature, asdict(record.limits), record.card)


def stain_copies_of(folder: Path) -> int:
    """Stain copies of each cell that the classifier in ``folder`` was fitted on; 0 if there is none that is readable.

    Classifiers of older versions have none.
    """
    try:
        return int(load_classifier(folder).card.get("stain_copies", 0))
    except OrbicyteError:
        return 0


def fit_classifier(
    x: Floats, cells: LabelledCells, variance_unexplained: Doubles, folds: int, seed: int, copies: Sequence[Floats] = ()
) -> Classifier:
    """Fit on all ``cells`` (M); fold F1, temperature and the limit of the distance are from held-out folds.

    ``x`` (M, D): their representations; ``variance_unexplained`` (L,): fractions of labelled cells that the network
    was not trained on. ``copies``: representations (M, D) of changed patches of the same cells, such as other stains,
    to fit on too; fold F1, temperature and confusion are of the unchanged ones. Raises ``OrbicyteError`` as ``splits``.
    """
    classes = np.unique(cells.types)
    parts = splits(cells, folds, seed)
    views = np.stack([x, *copies])
    logits, distance = _held_out_logits(parts, views, cells, seed), _held_out_distance(parts, views)
    temperature = _temperature(logits, cells.types, classes)
    predicted = classes[logits.argmax(1)]
    return Classifier(
        classes=classes.tolist(),
        tensors=_tensors(_fitted(views, cells, seed), views),
        temperature=temperature,
        limits={
            "distance": float(np.quantile(distance, LIMIT_QUANTILE)),
            "variance_unexplained": float(np.quantile(variance_unexplained, LIMIT_QUANTILE)),
        },
        card={
            "cells": {str(name): int((cells.types == name).sum()) for name in classes},
            "grouped_by": cells.grouped_by,
            "folds": folds,
            "stain_copies": len(copies),
            "fold_macro_f1": [
                float(f1_score(cells.types[test], predicted[test], average="macro")) for _, test in parts
            ],
            "calibration": {
                "before": _calibration(_calibrated(logits, 1.0), cells.types, classes),
                "after": _calibration(_calibrated(logits, temperature), cells.types, classes),
            },
            "confusion": confusion_matrix(cells.types, predicted, labels=classes).tolist(),
            "limit_quantile": LIMIT_QUANTILE,
            "limit_cells": len(variance_unexplained),
        },
        held_out=_calibrated(logits, temperature),
    )


def _fitted(views: Floats, cells: LabelledCells, seed: int) -> list[GridSearchCV]:
    """Perceptrons fitted on the unchanged ``cells`` (M) and, if there are copies, on all ``views`` (V, M, D) of them.

    The classifier has the mean of their logits: the first is better on cells like these, the second on others.
    """
    numbers = (1,) if len(views) == 1 else (1, len(views))
    return [fitted(mlp_probe, np.concatenate(views[:n]), cells.repeated(n), seed) for n in numbers]


def _held_out_logits(parts: list[Split], views: Floats, cells: LabelledCells, seed: int) -> Doubles:
    """Logarithms of the probabilities of each cell's types, by a probe that was not fitted on it: (M, C)."""
    classes = np.unique(cells.types)
    logits = np.full((len(cells), len(classes)), np.log(1e-12))
    for train, test in (inner for part in parts for inner in _with_all_types(part, cells, len(parts), seed)):
        probes = _fitted(views[:, train], cells[train], seed)
        logs = [np.log(probe.predict_proba(views[0, test]).clip(1e-12)) for probe in probes]
        known = np.searchsorted(classes, probes[0].classes_)
        logits[np.ix_(test, known)] = np.mean(logs, axis=0)
    return logits


def _with_all_types(part: Split, cells: LabelledCells, folds: int, seed: int) -> list[Split]:
    """The fold, split again by cell where all cells of a type are in its test part, so that a probe learns the type.

    Otherwise all held-out cells of that type would be errors, although the final classifier is fitted on them.
    """
    train, test = part
    alone = np.setdiff1d(cells.types[test], cells.types[train])
    if not len(alone):
        return [part]
    for name in alone:
        where = ", ".join(np.unique(cells.groups[cells.types == name]))
        warn(
            f"{str(name)!r} is labelled on {cells.grouped_by} {where} only: its error rate is estimated there alone "
            f"and may be higher elsewhere; label cells of this type on a second {cells.grouped_by}"
        )
    inner = [(test[rows], test[others]) for rows, others in splits_by_cell(cells[test], folds, seed)]
    return [(np.append(train, rows[np.isin(cells.types[rows], alone)]), others) for rows, others in inner]


def _held_out_distance(parts: list[Split], views: Floats) -> Doubles:
    """Distance of each view of each cell from the cells of the other folds: (V, M)."""
    distance = np.zeros(views.shape[:2])
    for _, test in parts:
        others = LedoitWolf().fit(np.concatenate(np.delete(views, test, axis=1)))
        distance[:, test] = [others.mahalanobis(view[test]) ** 0.5 for view in views]
    return distance


def _calibration(probabilities: Doubles, types: Strings, classes: Strings) -> dict[str, float]:
    return {
        "expected_error": calibration_error(probabilities, types, classes),
        "log_loss": float(log_loss(types, probabilities, labels=classes)),
    }


def calibration_error(probabilities: Doubles, types: Strings, classes: Strings) -> float:
    """Expected calibration error, 0 to 1: mean gap of confidence and accuracy in ten bins, weighted by cells.

    ``probabilities`` (M, C); ``types`` (M,), the true ones; ``classes`` (C,).
    """
    confidence, right = probabilities.max(1), classes[probabilities.argmax(1)] == types
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = (abs((confidence - right)[bins == b].sum()) for b in range(CALIBRATION_BINS))
    return float(sum(gaps) / len(types))


def _calibrated(logits: Doubles, temperature: float) -> Doubles:
    return np.asarray(softmax(logits / temperature, axis=1))


def _temperature(logits: Doubles, types: Strings, classes: Strings) -> float:
    def loss(log_temperature: float) -> float:
        return float(log_loss(types, _calibrated(logits, np.exp(log_temperature)), labels=classes))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _tensors(probes: list[GridSearchCV], views: Floats) -> dict[str, Doubles]:
    """Probes as one perceptron whose logits are the mean of theirs, and the mean and precision of all views."""
    parts = [probe.best_estimator_ for probe in probes]
    centre, scale = parts[0]["scale"].mean_, parts[0]["scale"].scale_
    first, offsets = [], []
    for part in parts:  # with the standardisation of the first
        own, (weight, bias) = part["scale"], (part["classify"].coefs_[0], part["classify"].intercepts_[0])
        first.append(weight * (scale / own.scale_)[:, None])
        offsets.append(bias + (centre - own.mean_) / own.scale_ @ weight)
    last = [part["classify"].coefs_[1] / len(parts) for part in parts]
    bias = np.mean([part["classify"].intercepts_[1] for part in parts], axis=0)
    spread = LedoitWolf().fit(np.concatenate(views))
    layers: Iterable[Doubles] = (
        centre, scale, np.hstack(first), np.hstack(offsets), np.vstack(last), bias, spread.location_, spread.precision_,
    )  # fmt: skip
    return {name: np.asarray(value, np.float64) for name, value in zip(TENSORS, layers, strict=True)}
