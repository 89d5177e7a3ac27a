"""types rename: give the cells of one type another name, or the name of another type, which merges the two."""

import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import RESERVED, checked_classes, choose_classes, chosen_classes
from orbicyte.study.slides import has_slides
from orbicyte.text import number_of

BATCH = 500
"""Decisions that are saved together."""


def rename_type(study: Study | Path | str, old: str, new: str) -> int:
    """Replace the label ``old`` of all readers on the slides of ``study`` by ``new``; return the number of labels.

    If ``new`` is a type of the study already, the two are merged. Each label is a new decision of the reader who gave
    the old one, so the log keeps both. If interrupted, the same call continues. Raises ``OrbicyteError`` for a study
    without slides, a type that the study lacks, and a name that cannot be one.
    """
    study = Study.of(study)
    if not has_slides(study):
        raise OrbicyteError(f"{study.path} has no slides: the labels of imported patches are those of their table")
    (new,) = checked_classes([new], study.path)
    with ReviewStore.open(study) as store:
        classes = chosen_classes(study)
        if old in RESERVED or old not in {*classes, *store.labels()}:
            raise OrbicyteError(f"{study.path} has no type {old!r}: its types are {', '.join(classes)}")
        if old == new:
            raise OrbicyteError(f"{old!r} is the name already: give another one")
        if new not in classes:
            classes.insert(classes.index(old) + 1 if old in classes else len(classes), new)
            choose_classes(study, classes, store.labels())
        count = _relabel(store, old, new)
        if old in store.labels():
            warn(f"{old!r} stays in the list of types: cells that were removed, or are on dropped slides, have it")
        else:
            choose_classes(study, [name for name in chosen_classes(study) if name != old], store.labels())
    print_line(f"{number_of(count, 'label')} {old!r} are now {new!r}: run 'orbicyte classify {study.path}' to use them")
    return count


def _relabel(store: ReviewStore, old: str, new: str) -> int:
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for slide in store.slides():
        for cell, state in store.cells(slide).items():
            for reader in (reader for reader, label in state.labels.items() if label == old):
                about = {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": "name"}
                events[reader].append({**about, "after": {"label": new}})
    for reader, decisions in events.items():
        for start in range(0, len(decisions), BATCH):
            store.append(reader, decisions[start : start + BATCH])
    return sum(map(len, events.values()))
