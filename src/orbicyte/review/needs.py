"""How many slides and labelled cells ``orbicyte run`` needs, and how many there are."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.review.replay import CellState
from orbicyte.review.store import ReviewStore
from orbicyte.study.classes import NO_CELL, RESERVED, UNSURE
from orbicyte.study.needed import Needed


def needs(store: ReviewStore, classes: list[str], reader: str, needed: Needed) -> dict[str, Any]:
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
    return {"needed": asdict(needed), "labelled_slides": labelled, "unlabelled_slides": unlabelled, "cells": types}


def _accepted(store: ReviewStore, slide: str) -> list[CellState]:
    """The cells of ``slide`` that are not rejected; none if its table of cells is damaged, which the page reports."""
    try:
        return [cell for cell in store.cells(slide).values() if cell.is_accepted]
    except OrbicyteError:
        return []


def _types(cell: CellState) -> set[str]:
    """The types that readers gave to the cell."""
    return set(cell.labels.values()) - {UNSURE, NO_CELL}
