"""Cells and counts as the review page gets them, in columns."""

from collections import Counter
from typing import Any

import numpy as np

from orbicyte.review.replay import Cells
from orbicyte.study.types import Predicted

STATUS = {"unchecked": 0, "kept": 1, "rejected": 2}
DECIMALS = 2
"""Of pixel coordinates: enough for the page."""


def cell_columns(cells: Cells, reader: str, types: Predicted) -> dict[str, Any]:
    """One list per column for all cells except removed ones; ``label``: the one that ``reader`` gave, else None.

    Positions and diameters in level-0 pixels; ``score`` and ``probability`` 0 to 1; ``status`` as in ``STATUS``;
    ``uncertainty``: 1 for a score of 0.5, 0 for a score of 0 or 1 and for a cell that a person added.
    """
    kept = {id_: cell for id_, cell in cells.items() if cell.status in STATUS}
    states = list(kept.values())
    score = np.array([np.nan if cell.score is None else cell.score for cell in states], dtype=np.float64)
    none: tuple[str | None, float | None, bool] = (None, None, False)
    typed = [types.get(id_, none) for id_ in kept]
    return {
        "id": list(kept),
        "x_px": _rounded([cell.x_px for cell in states]),
        "y_px": _rounded([cell.y_px for cell in states]),
        "diameter_px": _rounded([cell.diameter_px for cell in states]),
        "score": [None if cell.score is None else round(cell.score, 4) for cell in states],
        "status": [STATUS[cell.status] for cell in states],
        "uncertainty": np.nan_to_num(1 - 2 * np.abs(score - 0.5)).round(4).tolist(),
        "label": [cell.labels.get(reader) for cell in states],
        "predicted": [type_ for type_, _, _ in typed],
        "probability": [probability if probability is None else round(probability, 4) for _, probability, _ in typed],
        "out_of_distribution": [far for _, _, far in typed],
        "added": [cell.score is None for cell in states],
    }


def counts(cells: Cells) -> dict[str, Any]:
    """Numbers of cells: ``cells``, not rejected; ``rejected``; ``checked``; ``labelled``, of ``cells``, by reader."""
    statuses = Counter(cell.status for cell in cells.values())
    labelled = Counter(who for cell in cells.values() if cell.is_accepted for who in cell.labels)
    return {
        "cells": statuses["kept"] + statuses["unchecked"],
        "rejected": statuses["rejected"],
        "checked": statuses["kept"] + statuses["rejected"],
        "labelled": dict(sorted(labelled.items())),
    }


def _rounded(values: list[float]) -> list[float]:
    return np.array(values, dtype=np.float64).round(DECIMALS).tolist()  # type: ignore[no-any-return]
