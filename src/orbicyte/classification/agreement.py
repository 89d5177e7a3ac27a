"""Agreement between readers who labelled the same cells: Cohen's kappa of each pair, overall and by type.

J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960) 37-46.
A pair of readers is compared on the cells that both labelled. Kappa is None where it is not defined: both readers gave
the same single label to all cells.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

LabelsOfCells = dict[tuple[str, str], dict[str, str]]
"""Label by reader, for each slide and cell id."""


def agreements(labels: LabelsOfCells, order: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One entry per pair of readers, in alphabetical order; types are in ``order``, others after them by name.

    Keys: ``readers``; ``cells``, the number that both labelled; ``kappa``, -1 to 1; ``agreement``, the fraction of
    cells with the same label (None without cells); ``by_type``, a list of ``type``, ``kappa`` of this type against all
    others, and ``cells``, the number that either reader labelled so; ``confusion`` with ``types`` and ``counts``, whose
    rows are the labels of the first reader.
    """
    readers = sorted({who for given in labels.values() for who in given})
    return [_agreement(pair, labels, order) for pair in combinations(readers, 2)]


def _agreement(readers: Sequence[str], labels: LabelsOfCells, order: Sequence[str]) -> dict[str, Any]:
    both: list[Mapping[str, str]] = [given for given in labels.values() if all(who in given for who in readers)]
    first, second = (np.array([given[who] for given in both], dtype=object) for who in readers)
    rank = {label: index for index, label in enumerate(order)}
    types = sorted({*first, *second}, key=lambda label: (rank.get(label, len(rank)), label))
    position = {label: index for index, label in enumerate(types)}
    counts = np.zeros((len(types), len(types)), dtype=np.int64)
    np.add.at(counts, ([position[label] for label in first], [position[label] for label in second]), 1)
    by_type = [
        {
            "type": label,
            "kappa": _kappa(first == label, second == label),
            "cells": int(((first == label) | (second == label)).sum()),
        }
        for label in types
    ]
    return {
        "readers": list(readers),
        "cells": len(both),
        "kappa": _kappa(first, second),
        "agreement": float(np.trace(counts) / len(both)) if both else None,
        "by_type": by_type,
        "confusion": {"types": types, "counts": counts.tolist()},
    }


def _kappa(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    from sklearn.metrics import cohen_kappa_score  # slow to import, and rarely needed

    if len({*first, *second}) < 2:
        return None
    return float(cohen_kappa_score(first.astype(str), second.astype(str)))
