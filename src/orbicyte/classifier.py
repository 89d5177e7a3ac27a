"""The shallow classifier of a run as files: safetensors and JSON, no pickles.

It is the ``mlp`` probe (paper 2.4: a "shallow classification network"), with its probabilities calibrated by a
temperature (Guo et al. 2017) and two limits beyond which a cell is called unlike those it was fitted on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import f1_score, log_loss

from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells, cross_validated, fitted, mlp_probe
from orbicyte.study import check_format, replacing, write_json

FORMAT = 1
UNLIKE_QUANTILE = 0.99
"""Share of the labelled cells themselves that lies within each limit."""
CALIBRATION_BINS = 10

Doubles = NDArray[np.float64]
TENSORS = ("centre", "scale", "weight1", "bias1", "weight2", "bias2", "mean", "precision")


@dataclass(frozen=True)
class Classifier:
    """``classes`` (C,) names; ``tensors``: standardisation, two layers, and the labelled cells' mean and precision.

    ``limits``: the largest ``distance`` (Mahalanobis) and ``error`` (centre-weighted squared error of the
    reconstruction) of cells like the labelled ones. ``card``: what is known about it: fold F1, calibration, cells.
    """

    classes: list[str]
    tensors: dict[str, Doubles]
    temperature: float
    limits: dict[str, float]
    card: dict[str, Any]

    def probabilities(self, x: NDArray[np.float32]) -> Doubles:
        """Calibrated probability of each class: (N, D) -> (N, C)."""
        return _calibrated(self._logits(x), self.temperature)

    def distance(self, x: NDArray[np.float32]) -> Doubles:
        """Mahalanobis distance of representations (N, D) from the labelled cells: (N,)."""
        centred = x - self.tensors["mean"]
        return np.asarray(np.sqrt(np.einsum("nd,de,ne->n", centred, self.tensors["precision"], centred)))

    def unlike(self, x: NDArray[np.float32], error: Doubles) -> NDArray[np.bool_]:
        """True for cells beyond either limit: (N, D) and (N,) -> (N,)."""
        return np.asarray((self.distance(x) > self.limits["distance"]) | (error > self.limits["error"]))

    def _logits(self, x: NDArray[np.float32]) -> Doubles:
        t = self.tensors
        hidden = np.maximum((x - t["centre"]) / t["scale"] @ t["weight1"] + t["bias1"], 0)
        logits: Doubles = hidden @ t["weight2"] + t["bias2"]
        # scikit-learn gives two classes one logistic output.
        return logits if logits.shape[1] > 1 else np.hstack((np.zeros_like(logits), logits))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``classifier.json``."""
        with replacing(folder / "weights.safetensors") as temporary:
            save_file({name: np.ascontiguousarray(value) for name, value in self.tensors.items()}, temporary)
        write_json(
            folder / "classifier.json",
            {
                "format": FORMAT,
                "classes": self.classes,
                "temperature": self.temperature,
                "limits": self.limits,
                "card": self.card,
            },
        )


def load_classifier(folder: Path) -> Classifier:
    """The classifier in ``folder``. Raises ``OrbicyteError`` if there is none or it is damaged."""
    if not (folder / "classifier.json").exists():
        raise OrbicyteError(f"no classifier in {folder.parent}: make one with 'orbicyte classify fit {folder.parent}'")
    content = check_format(folder / "classifier.json", FORMAT)
    try:
        tensors = load_file(folder / "weights.safetensors")
    except (OSError, SafetensorError) as error:
        raise OrbicyteError(f"cannot read {folder / 'weights.safetensors'}: {error}; fit it again") from error
    if missing := set(TENSORS) - set(tensors):
        raise OrbicyteError(f"{folder / 'weights.safetensors'} lacks {', '.join(sorted(missing))}: fit it again")
    return Classifier(content["classes"], tensors, content["temperature"], content["limits"], content["card"])


def fit_classifier(cells: Cells, error: Doubles, folds: int, seed: int) -> Classifier:
    """Fit on all ``cells``; fold F1, temperature and limits come from folds the fitted probes did not see.

    ``error`` (M,): the reconstruction error of the cells, or of some. Raises ``OrbicyteError`` as ``probes.splits``.
    """
    parts = cross_validated(mlp_probe, cells, folds, seed)
    classes = np.unique(cells.types)
    unseen = np.full((len(cells), len(classes)), 1e-12)
    scores, distances = [], []
    for part in parts:
        columns = np.searchsorted(classes, part.probe.classes_)
        unseen[np.ix_(part.test, columns)] = part.probe.predict_proba(cells.x[part.test])
        predicted = classes[unseen[part.test].argmax(1)]
        scores.append(float(f1_score(cells.types[part.test], predicted, average="macro")))
        train = np.setdiff1d(np.arange(len(cells)), part.test)
        distances.append(_spread(cells.x[train]).mahalanobis(cells.x[part.test]) ** 0.5)
    logits = np.log(unseen.clip(1e-12))
    temperature = _temperature(logits, cells.types, classes)
    probe = fitted(mlp_probe, cells, seed).best_estimator_
    return Classifier(
        classes=[str(name) for name in classes],
        tensors=_tensors(probe, cells.x),
        temperature=temperature,
        limits={
            "distance": float(np.quantile(np.concatenate(distances), UNLIKE_QUANTILE)),
            "error": float(np.quantile(error, UNLIKE_QUANTILE)),
        },
        card={
            "cells": {str(name): int((cells.types == name).sum()) for name in classes},
            "grouped_by": cells.grouped_by,
            "folds": folds,
            "fold_macro_f1": scores,
            "calibration_error": {
                "before": calibration_error(_calibrated(logits, 1.0), cells.types, classes),
                "after": calibration_error(_calibrated(logits, temperature), cells.types, classes),
            },
        },
    )


def calibration_error(probabilities: Doubles, types: NDArray[np.str_], classes: NDArray[np.str_]) -> float:
    """Expected calibration error, in [0, 1]: mean gap of confidence and accuracy in ten bins, weighted by cells."""
    confidence, right = probabilities.max(1), classes[probabilities.argmax(1)] == types
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = (abs((confidence - right)[bins == b].sum()) for b in range(CALIBRATION_BINS))
    return float(sum(gaps) / len(types))


def _calibrated(logits: Doubles, temperature: float) -> Doubles:
    return np.asarray(softmax(logits / temperature, axis=1))


def _temperature(logits: Doubles, types: NDArray[np.str_], classes: NDArray[np.str_]) -> float:
    def loss(log_temperature: float) -> float:
        return float(log_loss(types, _calibrated(logits, np.exp(log_temperature)), labels=classes))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _spread(x: NDArray[np.float32]) -> LedoitWolf:
    return LedoitWolf().fit(x)


def _tensors(probe: Any, x: NDArray[np.float32]) -> dict[str, Doubles]:
    scale, network, spread = probe["scale"], probe["classify"], _spread(x)
    layers: Iterable[Doubles] = (
        scale.mean_, scale.scale_, network.coefs_[0], network.intercepts_[0], network.coefs_[1], network.intercepts_[1],
        spread.location_, spread.precision_,
    )  # fmt: skip
    return {name: np.asarray(value, np.float64) for name, value in zip(TENSORS, layers, strict=True)}
