"""Which classifier predicts the types of a study: the shipped one, or one fitted on the study's own labels.

``benchmarks/other_laboratories.py`` measures from how many labels the second is better (``docs/invariance.md``).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from orbicyte.classification.labelled import LabelledCells, counted
from orbicyte.text import number_of

ENOUGH = 20
"""Labelled cells of each type from which a classifier fitted on them replaces the shipped one."""
ENOUGH_IF_UNKNOWN = 5
"""The same where the shipped classifier does not know one of these types, which it can never predict."""
COVERED = 0.9
"""Share of the labelled cells that are of types with so many cells; the others are of rare types."""


@dataclass(frozen=True)
class Choice:
    """``is_own``: fit a classifier on the own labels; ``reason``: a line for the user, with what would change it."""

    is_own: bool
    reason: str


def choose(cells: LabelledCells, shipped: Collection[str]) -> Choice:
    """The classifier for a study with the labelled ``cells``; ``shipped``: types of the shipped classifier."""
    names, counts = np.unique(cells.types, return_counts=True)
    labels = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    unknown = {name: count for name, count in labels.items() if name not in shipped and count >= ENOUGH_IF_UNKNOWN}
    needed = ENOUGH_IF_UNKNOWN if unknown else ENOUGH
    enough = counts[counts >= needed]
    types = f"{len(labels)} type{'' if len(labels) == 1 else 's'}"
    has = f"{number_of(len(cells), 'labelled cell')} of {types}" if len(cells) else "no labelled cells"
    not_known = f" (the shipped one does not know {counted(unknown)})" if unknown else ""
    if len(enough) >= 2 and enough.sum() >= COVERED * len(cells):
        return Choice(
            True,
            f"{has}, at least {needed} cells of each of nearly all types: a classifier fitted on them is used"
            f"{not_known}; it predicts these types only",
        )
    return Choice(
        False,
        f"{has}: the shipped classifier of {len(shipped)} types is used{not_known}; a classifier is fitted on the "
        f"labels when there are {needed} cells of each type"
        f"{'' if unknown else f', or {ENOUGH_IF_UNKNOWN} if one of the types is not among the {len(shipped)}'}",
    )
