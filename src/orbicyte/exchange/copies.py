"""Shapes of one file that are the same cell: a file dropped into a program twice, a cell drawn on a detection."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from orbicyte.arrays import Doubles, Flags, Points, Rows
from orbicyte.errors import OrbicyteError
from orbicyte.exchange.shapes import Shape

NEIGHBOURS = 16
SIMILAR = 2.0
"""Ratio of diameters up to which two shapes at one place are the same cell; a larger one is around a smaller one."""


def originals(shapes: Sequence[Shape], is_known: Flags, usual_px: float) -> Rows:
    """For each shape the number of the shape of which it is a copy, or its own number: (N,).

    A copy has its centre in the inner half of the original. The first of several is the original, but one that
    ``is_known`` (N,), a cell of the study, precedes others and is never a copy. ``usual_px``: diameter of a point.
    Raises ``OrbicyteError`` for a copy with another label, with the file and both features.
    """
    found = np.arange(len(shapes))
    order = np.lexsort((found, ~is_known))
    rank = np.argsort(order)
    centres = np.array([(shape.x_px, shape.y_px) for shape in shapes]).reshape(-1, 2)
    diameters = np.array([shape.diameter_px or usual_px for shape in shapes])
    left = order
    while len(left):
        of = _preceding(centres[left], diameters[left], rank[left])
        is_copy = (of >= 0) & ~is_known[left]
        if not is_copy.any():
            break
        found[left[is_copy]] = left[of[is_copy]]
        left = left[~is_copy]
    for number in order:
        found[number] = found[found[number]]
    for number, original in enumerate(found.tolist()):
        _require_one_label(shapes[number], shapes[original])
    return found


def _preceding(centres: Points, diameters: Doubles, rank: Rows) -> Rows:
    """For each shape the nearest of its neighbours that precedes it and is the same cell; -1 if there is none."""
    near = min(NEIGHBOURS, len(centres))
    distances, neighbours = cKDTree(centres).query(centres, k=range(1, near + 1))
    small = np.minimum(diameters[:, None], diameters[neighbours])
    large = np.maximum(diameters[:, None], diameters[neighbours])
    is_same = (distances <= small / 4) & (large <= SIMILAR * small) & (rank[neighbours] < rank[:, None])
    first = is_same.argmax(axis=1)
    rows = np.arange(len(centres))
    return np.where(is_same[rows, first], neighbours[rows, first], -1)


def _require_one_label(copy: Shape, original: Shape) -> None:
    if copy.label is not None and original.label is not None and copy.label != original.label:
        raise OrbicyteError(
            f"{copy.where} is the same cell as {original.where}, but one is labelled {copy.label!r} and the other "
            f"{original.label!r}: delete one of them; nothing was imported"
        )
