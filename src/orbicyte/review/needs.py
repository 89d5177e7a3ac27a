"""How many slides and labelled cells ``orbicyte run`` needs with its default folds, and how many there are."""

import math
from collections import Counter
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.review.replay import CellState
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.study.classes import NO_CELL, RESERVED, UNSURE


def needed(settings: Settings) -> dict[str, int]:
    """The least that can be split into the folds of ``settings``.

    ``labelled_slides`` and ``cells_of_a_type``: so many that the test part, all but ``selection_share``, has one for
    each fold of the classification; one slide more, as the parts of few slides are seldom of the exact size.
    ``unlabelled_slides``: one for each fold of the training, unless all slides have labels.
    """
    evaluation = settings.evaluation
    least = math.ceil(evaluation.folds / (1 - evaluation.selection_share))
    return {"labelled_slides": least + 1, "unlabelled_slides": settings.folds, "cells_of_a_type": least}


def needs(store: ReviewStore, classes: list[str], reader: str) -> dict[str, Any]:
    """What is ``needed``, the slides with and without labels of any reader, and the cells of each type.

    ``cells``: by type, with labels of ``reader`` only: numbers that include others' labels would reveal them.
    """
    labelled = unlabelled = 0
    cells = Counter(dict.fromkeys(classes, 0))
    for slide in store.slides():
        accepted = _accepted(store, slide)
        typed = [cell for cell in accepted if cell.labels and _types(cell)]
        labelled += bool(typed)
        unlabelled += bool(accepted) and not typed
        cells.update(cell.labels[reader] for cell in typed if cell.labels.get(reader) in _types(cell))
    types = {name: count for name, count in cells.items() if count or name not in RESERVED}
    return {"needed": needed(Settings()), "labelled_slides": labelled, "unlabelled_slides": unlabelled, "cells": types}


def _accepted(store: ReviewStore, slide: str) -> list[CellState]:
    """The cells of ``slide`` that are not rejected; none if its table of cells is damaged, which the page reports."""
    try:
        return [cell for cell in store.cells(slide).values() if cell.status in ("unchecked", "kept")]
    except OrbicyteError:
        return []


def _types(cell: CellState) -> set[str]:
    """The types that readers gave to the cell."""
    return set(cell.labels.values()) - {UNSURE, NO_CELL}
