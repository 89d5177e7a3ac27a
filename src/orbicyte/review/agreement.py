"""The labels that readers gave, for ``orbicyte.classification.agreement``, and what of their agreement the page shows.

"unsure" does not count as a label; "other" and "not a cell" do.
"""

from typing import Any

import pandas as pd

from orbicyte.classification.agreement import LabelsOfCells
from orbicyte.review.refusals import RefusedError
from orbicyte.review.store import ReviewStore
from orbicyte.study.classes import UNSURE

FEWEST = 20
"""Cells that both must have labelled before the page shows their agreement: fewer would reveal single labels."""

MOST = 500
"""Cells that the page shows at once."""


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


def compared_cells(
    given: LabelsOfCells, store: ReviewStore, readers: tuple[str, str], labels: tuple[str, str] | None
) -> dict[str, Any]:
    """The cells to which ``readers`` gave different labels, or with ``labels``, the one of each, those cells.

    ``total``: their number; ``cells``: the first ``MOST`` of them, with keys ``slide``, ``cell`` (id), ``x_px``,
    ``y_px``, and ``labels`` of the two. Raises ``RefusedError`` while ``blinded`` hides the figures of the two.
    """
    both = {key: tuple(given[key].get(who) for who in readers) for key in given}
    both = {key: pair for key, pair in both.items() if None not in pair}
    if len(both) < FEWEST:
        raise RefusedError(f"{readers[0]} and {readers[1]} have labelled fewer than {FEWEST} of the same cells")
    wanted = [key for key, pair in both.items() if (pair == labels if labels else len(set(pair)) > 1)]
    states = {slide: store.cells(slide) for slide in {slide for slide, _ in wanted[:MOST]}}
    cells = [
        {"slide": slide, "cell": id_, "x_px": state.x_px, "y_px": state.y_px, "labels": both[slide, id_]}
        for slide, id_ in wanted[:MOST]
        for state in [states[slide][id_]]
    ]
    return {"total": len(wanted), "cells": cells}


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
