"""types rename: give the cells of one type another name, or the name of another type, which merges the two."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import RESERVED, checked_classes, choose_classes, chosen_classes
from orbicyte.study.files import discard
from orbicyte.study.patch_store import rename_label
from orbicyte.study.runs import RunFolder
from orbicyte.study.slides import has_slides
from orbicyte.text import number_of

BATCH = 500
"""Decisions that are saved together."""


def rename_type(study: Study | Path | str, old: str, new: str) -> int:
    """Replace the label ``old`` of the cells of ``study`` by ``new``; return the number of labels.

    If ``new`` is a type of the study already, the two are merged. On slides, the labels of all readers are replaced:
    each is a new decision of the reader who gave the old one, so the log keeps both. Of imported patches, the table
    keeps the old names, and ``store.json`` says what they are called now. Trained networks are kept; they are evaluated
    again. If interrupted, the same call continues. Raises ``OrbicyteError`` for a study without cells, a type that it
    lacks, and a name that cannot be one.
    """
    study = Study.of(study)
    (new,) = checked_classes([new], study.path)
    count = _rename_on_slides(study, old, new) if has_slides(study) else _rename_imported(study, old, new)
    print_line(f"{old!r} is now {new!r}, {number_of(count, 'label')}: run 'orbicyte classify {study.path}' to use it")
    return count


def _rename_on_slides(study: Study, old: str, new: str) -> int:
    with ReviewStore.open(study) as store:
        classes = chosen_classes(study)
        _check(study, old, new, classes, {*store.labels()} - {*RESERVED})
        if new not in classes:
            classes.insert(classes.index(old) + 1 if old in classes else len(classes), new)
            choose_classes(study, classes, store.labels())
        count = _relabel(store, old, new)
        if old in store.labels():
            warn(f"{old!r} stays in the list of types: cells that were removed, or are on dropped slides, have it")
        else:
            choose_classes(study, [name for name in chosen_classes(study) if name != old], store.labels())
    return count


def _rename_imported(study: Study, old: str, new: str) -> int:
    with study.lock():
        types = PatchStore.open(study.patches).types
        _check(study, old, new, types)
        # Scores have the names of types; without this file, they are those of an evaluation that has not ended.
        for run in study.runs():
            discard(RunFolder(run).evaluation)
        rename_label(study.patches, old, new)
    if study.runs():
        print_line(f"to evaluate the networks with the new types: orbicyte evaluate {study.path}")
    return types[old]


def _check(study: Study, old: str, new: str, types: Collection[str], more: Collection[str] = ()) -> None:
    if old not in {*types, *more}:
        raise OrbicyteError(f"{study.path} has no type {old!r}: its types are {', '.join(types)}")
    if old == new:
        raise OrbicyteError(f"{old!r} is the name already: give another one")


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
