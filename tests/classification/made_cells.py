"""Labelled cells of known types and groups, and representations that separate the types."""

import numpy as np

from orbicyte.arrays import Floats
from orbicyte.classification.labelled import LabelledCells


def labelled(
    types: "np.ndarray | list[str]", groups: "np.ndarray | list[str] | None" = None, by: str = "cell"
) -> LabelledCells:
    """Cells of these ``types``, all in the test part; without ``groups`` each cell is its own group."""
    count = len(types)
    own = np.arange(count).astype(str) if groups is None else np.asarray(groups).astype(str)
    return LabelledCells(np.arange(count), np.asarray(types).astype(str), own, by, np.zeros(count, np.bool_))


def cells_of(counts: dict[str, int], groups: int = 0) -> LabelledCells:
    """The given number of cells per type, distributed over ``groups`` slides; 0: slides are not known."""
    types = np.repeat(list(counts), list(counts.values()))
    slides = np.arange(len(types)) % groups if groups else None
    return labelled(types, slides, "slide" if groups else "cell")


def representations(cells: LabelledCells, seed: int = 0) -> Floats:
    """(M, 3): clusters, one per type, that hardly overlap."""
    number = np.unique(cells.types, return_inverse=True)[1]
    noise = np.random.default_rng(seed).normal(size=(len(cells), 3))
    return (noise + 6 * np.eye(10, 3)[number]).astype(np.float32)
