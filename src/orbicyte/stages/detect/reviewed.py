"""Repeated detection on a reviewed slide: cells with decisions are kept."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import cells_path


def with_reviewed(study: Study, slide: str, cells: pd.DataFrame, mpp: float) -> tuple[pd.DataFrame, int]:
    """``cells``, detected again on ``slide``, with the earlier rows of cells with decisions; and their number.

    A new cell whose centre is inside a cell with a decision (also a moved, rejected or added one) is the same cell, and
    is dropped. So every decision refers to an existing cell. ``mpp``: the slide's new µm per level-0 pixel.
    """
    if not cells_path(study, slide).exists():
        return cells, 0
    with ReviewStore.open(study) as store:
        decided = {event.cell for event in store.events() if event.slide == slide}
        if not decided:
            return cells, 0
        now = store.cells(slide)
    before = read_cells(study, slide)
    kept = before[before["id"].isin(decided)].copy()
    kept[["x_um", "y_um"]] = kept[["x_px", "y_px"]] * mpp
    there = [now[id_] for id_ in decided & now.keys() if now[id_].status != "removed"]
    new = cells[~cells["id"].isin(decided)]
    if there and len(new):
        tree = cKDTree([(cell.x_px, cell.y_px) for cell in there])
        distance_px, nearest = tree.query(new[["x_px", "y_px"]].to_numpy())
        radius_px = np.array([cell.diameter_px / 2 for cell in there])
        new = new[distance_px >= radius_px[nearest]]
    return pd.concat([kept, new], ignore_index=True), len(kept)
