"""Do readers give cells the same names? Cohen's kappa of each pair of readers, overall and by type.

J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960) 37-46.
Counted are the cells that both named; "unsure" is no name, "other" and "not a cell" are. Kappa is None where it is not
defined: both gave all cells the same one name.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.review.store import ReviewStore
from orbicyte.study.classes import UNSURE

FEWEST = 20
"""Cells that both must have named before one of them may be told how they agree: fewer tell single names."""

Names = dict[tuple[str, str], dict[str, str]]
"""Reader -> name, by slide and cell."""


def given_names(store: ReviewStore) -> Names:
    """The names of all cells that somebody named and was not unsure of."""
    names: Names = {}
    for slide in store.slides():
        for id_, cell in store.cells(slide).items():
            sure = {who: label for who, label in cell.labels.items() if label != UNSURE}
            if sure and cell.status != "removed":
                names[slide, id_] = sure
    return names


def agreements(names: Names) -> list[dict[str, Any]]:
    """One entry a pair of readers: ``readers``, ``cells`` both named, ``kappa``, ``agreement`` (share of cells with
    the same name), ``by_type`` (``type``, ``kappa`` of it against the rest, ``cells`` to which either gave it), and
    ``confusion`` (``types``, ``counts``: rows are the first reader's names).
    """
    readers = sorted({who for given in names.values() for who in given})
    return [_agreement(pair, names) for pair in combinations(readers, 2)]


def blinded(pair: dict[str, Any]) -> dict[str, Any]:
    """One of ``agreements`` as people who still name may see it: ``note`` is None, or says why there are no figures."""
    if pair["cells"] >= FEWEST:
        return {**pair, "note": None}
    none: dict[str, Any] = {"kappa": None, "agreement": None, "by_type": [], "confusion": {"types": [], "counts": []}}
    note = f"shown once both have named {FEWEST} of the same cells: fewer would tell who named which cell how"
    return {**pair, **none, "note": note}


def differing_cells(names: Names, store: ReviewStore) -> pd.DataFrame:
    """The cells on which readers differ: ``slide``, ``cell``, ``x_px``, ``y_px``, and each reader's name."""
    readers = sorted({who for given in names.values() for who in given})
    cells = {slide: store.cells(slide) for slide in {slide for slide, _ in names}}
    rows = [
        (slide, id_, cells[slide][id_].x_px, cells[slide][id_].y_px, *(given.get(who) for who in readers))
        for (slide, id_), given in names.items()
        if len(set(given.values())) > 1
    ]
    return pd.DataFrame(rows, columns=["slide", "cell", "x_px", "y_px", *readers])


def _agreement(readers: Sequence[str], names: Names) -> dict[str, Any]:
    both: list[Mapping[str, str]] = [given for given in names.values() if all(who in given for who in readers)]
    first, second = (np.array([given[who] for given in both], dtype=object) for who in readers)
    types = sorted({*first, *second})
    position = {name: index for index, name in enumerate(types)}
    counts = np.zeros((len(types), len(types)), dtype=np.int64)
    np.add.at(counts, ([position[name] for name in first], [position[name] for name in second]), 1)
    by_type = [
        {
            "type": name,
            "kappa": _kappa(first == name, second == name),
            "cells": int(((first == name) | (second == name)).sum()),
        }
        for name in types
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
    from sklearn.metrics import cohen_kappa_score  # slow to import, and seldom needed

    if len({*first, *second}) < 2:
        return None
    return float(cohen_kappa_score(first.astype(str), second.astype(str)))
