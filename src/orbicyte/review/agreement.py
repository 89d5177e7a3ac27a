"""The labels that readers gave, for ``orbicyte.classification.agreement``, and what of their agreement the page shows.

"unsure" does not count as a label; "other" and "not a cell" do.
"""

from typing import Any

import pandas as pd

from orbicyte.classification.agreement import LabelsOfCells
from orbicyte.review.store import ReviewStore
from orbicyte.study.classes import UNSURE

FEWEST = 20
"""Cells that both must have labelled before the page shows their agreement: fewer would reveal single labels."""


def given_labels(store: ReviewStore) -> LabelsOfCells:
    """The labels of all cells, except "unsure" and those of removed cells."""
    labels: LabelsOfCells = {}
    for slide in store.slides():
        for id_, cell in store.cells(slide).items():
            sure = {who: label for who, label in cell.labels.items() if label != UNSURE}
            if sure and cell.status != "removed":
                labels[slide, id_] = sure
    return labels


def blinded(pair: dict[str, Any]) -> dict[str, Any]:
    """One entry of ``agreements`` as readers may see it; ``note``: the reason why figures are hidden, else None."""
    if pair["cells"] >= FEWEST:
        return {**pair, "note": None}
    none: dict[str, Any] = {"kappa": None, "agreement": None, "by_type": [], "confusion": {"types": [], "counts": []}}
    note = f"shown once both have labelled {FEWEST} of the same cells: fewer would reveal how each labelled a cell"
    return {**pair, **none, "note": note}


def differing_cells(labels: LabelsOfCells, store: ReviewStore) -> pd.DataFrame:
    """The cells to which readers gave different labels.

    Columns: ``slide``, ``cell`` (id), ``x_px``, ``y_px`` (level-0 pixels), and the label of each reader.
    """
    readers = sorted({who for given in labels.values() for who in given})
    cells = {slide: store.cells(slide) for slide in {slide for slide, _ in labels}}
    rows = [
        (slide, id_, cells[slide][id_].x_px, cells[slide][id_].y_px, *(given.get(who) for who in readers))
        for (slide, id_), given in labels.items()
        if len(set(given.values())) > 1
    ]
    return pd.DataFrame(rows, columns=["slide", "cell", "x_px", "y_px", *readers])
