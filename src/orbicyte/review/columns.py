"""What the review's page is told of slides and cells, column by column."""

from collections import Counter
from typing import Any

import numpy as np

from orbicyte.review.replay import Cells
from orbicyte.study.types import Predicted

STATUS = {"unchecked": 0, "kept": 1, "rejected": 2}
DECIMALS = 2
"""Of a pixel, which is what the page needs."""


def cell_columns(cells: Cells, reader: str, types: Predicted) -> dict[str, Any]:
    """Columns of all cells but removed ones; ``label``: the name that ``reader`` gave.

    ``doubt``: 0 to 1, how near the detector's score is to a half; 0 for a cell that a person added.
    """
    kept = {id_: cell for id_, cell in cells.items() if cell.status in STATUS}
    states = list(kept.values())
    score = np.array([np.nan if cell.score is None else cell.score for cell in states], dtype=np.float64)
    none: tuple[str | None, float | None] = (None, None)
    typed = [types.get(id_, none) for id_ in kept]
    return {
        "id": list(kept),
        "x_px": _rounded([cell.x_px for cell in states]),
        "y_px": _rounded([cell.y_px for cell in states]),
        "diameter_px": _rounded([cell.diameter_px for cell in states]),
        "score": [None if cell.score is None else round(cell.score, 4) for cell in states],
        "status": [STATUS[cell.status] for cell in states],
        "doubt": np.nan_to_num(1 - 2 * np.abs(score - 0.5)).round(4).tolist(),
        "label": [cell.labels.get(reader) for cell in states],
        "predicted": [type_ for type_, _ in typed],
        "probability": [probability if probability is None else round(probability, 4) for _, probability in typed],
        "added": [cell.score is None for cell in states],
    }


def counts(cells: Cells) -> dict[str, Any]:
    """How many cells there are but for rejected ones, how many of all were checked, and how many each reader named."""
    statuses = Counter(cell.status for cell in cells.values())
    named = Counter(who for cell in cells.values() if cell.status in STATUS for who in cell.labels)
    return {
        "cells": statuses["kept"] + statuses["unchecked"],
        "rejected": statuses["rejected"],
        "checked": statuses["kept"] + statuses["rejected"],
        "named": dict(sorted(named.items())),
    }


def _rounded(values: list[float]) -> list[float]:
    return np.array(values, dtype=np.float64).round(DECIMALS).tolist()  # type: ignore[no-any-return]
