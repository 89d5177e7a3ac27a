"""The shallow classifier of a run as files: safetensors and JSON, no pickles.

It is the ``mlp`` probe (paper 2.4: a "shallow classification network"), with its probabilities calibrated by a
temperature (Guo et al. 2017) and two limits beyond which a cell is called unlike those it was fitted on. Each limit
holds for 99 % of labelled cells that took no part in making what they are judged by. Neither is enough: even and noisy
patches have their representations near the cells' of some networks, patches of other colours are reconstructed fairly.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import f1_score, log_loss

from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells, Split, fitted, mlp_probe, splits, splits_by_cell
from orbicyte.progress import warn
from orbicyte.study import check_format, replacing, write_json

FORMAT = 1
UNLIKE_QUANTILE = 0.99
"""Share of held-out labelled cells that lies within each limit."""
CALIBRATION_BINS = 10

Doubles = NDArray[np.float64]
FIELDS = ("classes", "temperature", "limits", "card")
TENSORS = ("centre", "scale", "weight1", "bias1", "weight2", "bias2", "mean", "precision")


@dataclass(frozen=True)
class Classifier:
    """``classes`` (C,) names; ``tensors``: standardisation, two layers, and the labelled cells' mean and precision.

    ``limits``: the largest ``distance`` (Mahalanobis) and ``unexplained`` (share of the patch's contrast that the
    reconstruction misses) of cells like the labelled ones. ``card``: fold F1, calibration, cells. ``held_out`` (M, C):
    probabilities of the cells it was fitted on, each by a probe that had not seen it; only where it was just fitted.
    """

    classes: list[str]
    tensors: dict[str, Doubles]
    temperature: float
    limits: dict[str, float]
    card: dict[str, Any]
    held_out: Doubles | None = field(default=None, repr=False, compare=False)

    def probabilities(self, x: NDArray[np.float32]) -> Doubles:
        """Calibrated probability of each class: (N, D) -> (N, C)."""
        return _calibrated(self._logits(x), self.temperature)

    def distance(self, x: NDArray[np.float32]) -> Doubles:
        """Mahalanobis distance of representations (N, D) from the labelled cells: (N,)."""
        centred = x - self.tensors["mean"]
        return np.asarray(np.sqrt(np.einsum("nd,de,ne->n", centred, self.tensors["precision"], centred)))

    def unlike(self, distance: Doubles, unexplained: Doubles) -> NDArray[np.bool_]:
        """True for cells beyond either limit: (N,) and (N,) -> (N,)."""
        return (distance > self.limits["distance"]) | (unexplained > self.limits["unexplained"])

    def _logits(self, x: NDArray[np.float32]) -> Doubles:
        t = self.tensors
        hidden = np.maximum((x - t["centre"]) / t["scale"] @ t["weight1"] + t["bias1"], 0)
        logits: Doubles = hidden @ t["weight2"] + t["bias2"]
        # scikit-learn gives two classes one logistic output.
        return logits if logits.shape[1] > 1 else np.hstack((np.zeros_like(logits), logits))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``classifier.json``, which tells the other's digest."""
        content = save({name: np.ascontiguousarray(value) for name, value in self.tensors.items()})
        with replacing(folder / "weights.safetensors") as temporary:
            temporary.write_bytes(content)
        known = {name: getattr(self, name) for name in FIELDS}
        write_json(folder / "classifier.json", {"format": FORMAT, **known, "weights_sha256": _digest(content)})


def load_classifier(folder: Path) -> Classifier:
    """The classifier in ``folder``. Raises ``OrbicyteError`` if there is none, a damaged or a newer one."""
    if not (folder / "classifier.json").exists():
        raise OrbicyteError(f"no classifier in {folder.parent}: make one with 'orbicyte classify fit {folder.parent}'")
    known = check_format(folder / "classifier.json", FORMAT)
    try:
        content = (folder / "weights.safetensors").read_bytes()
        if known["weights_sha256"] != _digest(content):
            raise ValueError("weights.safetensors is not the file that classifier.json was written with")
        return Classifier(tensors=load(content), **{name: known[name] for name in FIELDS})
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise OrbicyteError(f"the classifier in {folder} is damaged ({error}): fit it again") from error


def fit_classifier(cells: Cells, unexplained: Doubles, folds: int, seed: int) -> Classifier:
    """Fit on all ``cells``; fold F1, temperature and the limit of distance come from folds held out of the fit.

    ``unexplained``: of labelled cells that the network was not trained on. Raises ``OrbicyteError`` as
    ``probes.splits``.
    """
    classes = np.unique(cells.types)
    parts = splits(cells, folds, seed)
    logits, distance = _held_out_logits(parts, cells, seed), _held_out_distance(parts, cells)
    temperature = _temperature(logits, cells.types, classes)
    predicted = classes[logits.argmax(1)]
    return Classifier(
        classes=classes.tolist(),
        tensors=_tensors(fitted(mlp_probe, cells, seed).best_estimator_, cells.x),
        temperature=temperature,
        limits={
            "distance": float(np.quantile(distance, UNLIKE_QUANTILE)),
            "unexplained": float(np.quantile(unexplained, UNLIKE_QUANTILE)),
        },
        card={
            "cells": {str(name): int((cells.types == name).sum()) for name in classes},
            "grouped_by": cells.grouped_by,
            "folds": folds,
            "fold_macro_f1": [
                float(f1_score(cells.types[test], predicted[test], average="macro")) for _, test in parts
            ],
            "calibration": {
                "before": _calibration(_calibrated(logits, 1.0), cells.types, classes),
                "after": _calibration(_calibrated(logits, temperature), cells.types, classes),
            },
            "unlike_quantile": UNLIKE_QUANTILE,
            "unexplained_cells": len(unexplained),
        },
        held_out=_calibrated(logits, temperature),
    )


def _held_out_logits(parts: list[Split], cells: Cells, seed: int) -> Doubles:
    """Logarithms of the probabilities of each cell's types, by a probe that has not seen it: (M, C)."""
    classes = np.unique(cells.types)
    probabilities = np.zeros((len(cells), len(classes)))
    for train, test in (inner for part in parts for inner in _knowing_all(part, cells, len(parts), seed)):
        probe = fitted(mlp_probe, cells[train], seed)
        probabilities[np.ix_(test, np.searchsorted(classes, probe.classes_))] = probe.predict_proba(cells.x[test])
    return np.asarray(np.log(probabilities.clip(1e-12)))


def _knowing_all(part: Split, cells: Cells, folds: int, seed: int) -> list[Split]:
    """The fold, parted again by cell where all cells of a type are in its test part, so that a probe learns it.

    Else a probe that never saw a type would seem to be a classifier that is always wrong about it.
    """
    train, test = part
    alone = np.setdiff1d(cells.types[test], cells.types[train])
    if not len(alone):
        return [part]
    for name in alone:
        where = ", ".join(np.unique(cells.groups[cells.types == name]))
        warn(
            f"{str(name)!r} is named on {cells.grouped_by} {where} only: its errors are known from there alone, and "
            f"may be more frequent elsewhere; name cells of it on a second {cells.grouped_by}"
        )
    inner = [(test[rows], test[others]) for rows, others in splits_by_cell(cells[test], folds, seed)]
    return [(np.append(train, rows[np.isin(cells.types[rows], alone)]), others) for rows, others in inner]


def _held_out_distance(parts: list[Split], cells: Cells) -> Doubles:
    """Distance of each cell from the cells of the other folds: (M,)."""
    distance = np.zeros(len(cells))
    for _, test in parts:
        others = np.delete(cells.x, test, axis=0)
        distance[test] = LedoitWolf().fit(others).mahalanobis(cells.x[test]) ** 0.5
    return distance


def _calibration(probabilities: Doubles, types: NDArray[np.str_], classes: NDArray[np.str_]) -> dict[str, float]:
    return {
        "expected_error": calibration_error(probabilities, types, classes),
        "log_loss": float(log_loss(types, probabilities, labels=classes)),
    }


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


def _tensors(probe: Any, x: NDArray[np.float32]) -> dict[str, Doubles]:
    scale, network, spread = probe["scale"], probe["classify"], LedoitWolf().fit(x)
    layers: Iterable[Doubles] = (
        scale.mean_, scale.scale_, network.coefs_[0], network.intercepts_[0], network.coefs_[1], network.intercepts_[1],
        spread.location_, spread.precision_,
    )  # fmt: skip
    return {name: np.asarray(value, np.float64) for name, value in zip(TENSORS, layers, strict=True)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
