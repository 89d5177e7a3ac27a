"""import-cells: changes that other programs made to the cells of a study, as review events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.changes import LARGEST_UM, Before, Changes, changes
from orbicyte.exchange.geojson import read_geojson
from orbicyte.exchange.masks import SUFFIXES, read_mask
from orbicyte.exchange.picture import cropped, require_origin, require_within, whole
from orbicyte.exchange.shapes import SMALLEST_UM, Shape
from orbicyte.progress import print_line
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.events import new_draft
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_ids
from orbicyte.study.classes import RESERVED, UNSURE, chosen_classes
from orbicyte.study.slides import SlideRecord, read_record, slide_names
from orbicyte.text import clean, file_name

DONE = {
    "add": "added",
    "move": "moved",
    "resize": "resized",
    "outline": "redrawn",
    "kept": "kept",
    "rejected": "rejected",
    "name": "labelled",
}
"""The word printed for a change, by its kind or the status that it sets."""
PLACED = ("add", "move", "resize")
"""Changes that usually include an outline; then the outline is not counted."""
LONGEST_READER = 60
MOST_REGIONS = 3
MASK = ".mask"
"""Before the suffix of label images, in the names that ``slides draw`` uses."""


@dataclass(frozen=True)
class _Forms:
    """What the user stated about the files."""

    label_property: str | None
    encoding: str | None
    background: int | None
    crop: bool


@dataclass(frozen=True)
class _Import:
    file: Path
    slide: str
    reader: str
    found: Changes


def import_cells(
    study: Study | Path | str,
    files: Sequence[Path | str],
    *,
    slide: str | None = None,
    reader: str | None = None,
    delete: bool = False,
    label_property: str | None = None,
    encoding: str | None = None,
    background: int | None = None,
    crop: bool = True,
) -> dict[str, int]:
    """Import QuPath's GeoJSON (.geojson, .json, with or without .gz) or label images (.tif, .png) into ``study``.

    A file belongs to the slide with the file's name, or to ``slide``. Cells are added, moved, resized and labelled by
    ``reader``, by default one named after the file; with ``delete``, cells that are not in the file are rejected.
    ``label_property``: where the labels of a GeoJSON file are, if not in its classifications; ``encoding``: of its
    text; ``background``: the value outside cells in a label image, if not 0. Returns the numbers of cells that were
    ``added``, ``moved``, ``resized``, ``redrawn``, ``kept``, ``rejected`` and ``labelled``.

    ``crop``: the file is from a program that opened the slide's scanned area, as QuPath does, where the slide states
    one, and its coordinates begin there; False: they begin at the slide's corner (QuPath's ``--no-crop``).

    A rejected cell is kept if a file contains a new shape at its position. All files are checked before any is
    imported. Raises ``OrbicyteError`` with the file and the feature; if a file cannot be written to the study, with
    the files that were imported before it.
    """
    study = Study.of(study)
    reader = None if reader is None else clean(reader)
    if reader is not None and not 0 < len(reader) <= LONGEST_READER:
        raise OrbicyteError(f"--reader: expected a name of 1 to {LONGEST_READER} characters, got {reader!r}")
    with ReviewStore.open(study) as store:
        forms = _Forms(label_property, encoding, background, crop)
        prepared = [_prepared(store, Path(file), slide, reader, delete, forms) for file in files]
        slides = Counter(one.slide for one in prepared)
        if slides and max(slides.values()) > 1:
            raise OrbicyteError(f"several files for the slide {slides.most_common(1)[0][0]}: import one after another")
        total: Counter[str] = Counter()
        for number, one in enumerate(prepared):
            _keep(store, one, prepared[:number])
            total += _print_counts(one, _disagreements(store, one))
    return {word: total[word] for word in DONE.values()}


def _keep(store: ReviewStore, one: _Import, kept: Sequence[_Import]) -> None:
    try:
        drafts = [new_draft(one.slide, change.cell, change.kind, change.after) for change in one.found.made]
        store.append(one.reader, drafts)
    except OrbicyteError as error:
        if not kept:
            raise
        files = ", ".join(before.file.name for before in kept)
        raise OrbicyteError(f"{one.file}: {error}; files imported before it: {files}") from error


def _disagreements(store: ReviewStore, one: _Import) -> int:
    """The number of cells with a label in the file on which readers now disagree."""
    cells = store.cells(one.slide)
    labelled = {change.cell for change in one.found.made if change.kind == "name"}
    return sum(len(set(cells[id_].labels.values()) - {UNSURE}) > 1 for id_ in labelled)


def _prepared(
    store: ReviewStore, file: Path, slide: str | None, reader: str | None, delete: bool, forms: _Forms
) -> _Import:
    if not file.is_file():
        raise OrbicyteError(f"{file} is not a file" if file.exists() else f"{file} does not exist")
    is_mask = file.suffix.lower() in SUFFIXES
    name = _stem(file).removesuffix(MASK) if is_mask else _stem(file)
    names = {file_name(known): known for known in slide_names(store.study)}
    slide = names.get(file_name(name if slide is None else slide), name if slide is None else slide)
    if slide not in names.values():
        known = ", ".join(names.values()) or "none"
        raise OrbicyteError(f"{file}: the study has no slide {slide!r}: it has {known}; give one with --slide")
    record = read_record(store.study, slide)
    reader = reader or f"{'mask' if is_mask else 'qupath'}:{name}"[:LONGEST_READER]
    before = _before(store, record, reader)
    shapes = _of_mask(file, record, forms) if is_mask else _of_geojson(file, before, forms)
    found = changes(shapes, before, delete=delete)
    if delete:
        _require_all(file, found)
    _check_other_slides(store, slide, found.new_ids)
    return _Import(file, slide, reader, found)


def _of_mask(file: Path, record: SlideRecord, forms: _Forms) -> list[Shape]:
    pictures = [whole(record), cropped(record)] if forms.crop else [whole(record)]
    return read_mask(file, list(dict.fromkeys(pictures)), record.mpp, forms.background)


def _of_geojson(file: Path, before: Before, forms: _Forms) -> list[Shape]:
    record, shapes = before.record, read_geojson(file, [*before.classes], forms.label_property, forms.encoding)
    if forms.crop:
        used, other, advice = cropped(record), whole(record), "the program showed the whole slide: give --no-crop"
    else:
        used, other, advice = whole(record), whole(record), "the program showed the scanned area: omit --no-crop"
        with suppress(OrbicyteError):
            other = cropped(record)
    require_origin(shapes, before.cells, record.mpp, used, other, advice)
    if used != whole(record):
        require_within(shapes, used)
    return [used.on_slide(shape) for shape in shapes]


def _require_all(file: Path, found: Changes) -> None:
    """Raise ``OrbicyteError`` if cells would be rejected because the file has none, or because shapes were lost."""
    if not found.cells:
        raise OrbicyteError(f"{file} has no cells: --delete would reject all cells of the slide; nothing was imported")
    if found.fragments:
        raise OrbicyteError(
            f"{file}: {found.fragments} pieces of its shapes are smaller than {SMALLEST_UM:g} µm and would be left "
            "out, so --delete could reject cells that it has: import it without --delete, or remove these pieces; "
            "nothing was imported"
        )


def _stem(file: Path) -> str:
    name = file.name[:-3] if file.suffix.lower() == ".gz" else file.name
    for suffix in (".geojson", ".json", *SUFFIXES):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    raise OrbicyteError(f"{file}: expected .geojson, .geojson.gz, .json, or a mask as {', '.join(SUFFIXES)}")


def _before(store: ReviewStore, record: SlideRecord, reader: str) -> Before:
    states = store.cells(record.name)
    return Before(
        record,
        reviewed_cells(store.study, [record.name]),
        own_labels={id_: state.labels[reader] for id_, state in states.items() if reader in state.labels},
        rejected={id_ for id_, state in states.items() if state.status == "rejected"},
        removed={id_ for id_, state in states.items() if state.status == "removed"},
        classes=[*chosen_classes(store.study), *RESERVED],
    )


def _check_other_slides(store: ReviewStore, slide: str, new_ids: Mapping[str, str]) -> None:
    """Raise ``OrbicyteError`` if a new cell has the id of one on another slide."""
    if not new_ids:
        return
    elsewhere = {event.cell: event.slide for event in store.events() if event.kind == "add" and event.slide != slide}
    for other in slide_names(store.study):
        if other != slide:
            elsewhere |= dict.fromkeys(read_ids(store.study, other), other)
    for id_, where in new_ids.items():
        if id_ in elsewhere:
            raise OrbicyteError(
                f"{where} has the id of a cell on {elsewhere[id_]} ({id_}): does this file belong to that slide? "
                "Nothing was imported"
            )


def _print_counts(one: _Import, disagreements: int) -> Counter[str]:
    placed = {change.cell for change in one.found.made if change.kind in PLACED}
    counted = [change for change in one.found.made if change.kind != "outline" or change.cell not in placed]
    count = Counter(DONE[change.after.get("status", change.kind)] for change in counted)
    counts = ", ".join(f"{number} {word}" for word, number in count.items()) or "nothing new"
    warning = f"; readers now disagree on the labels of {disagreements} of them" if disagreements else ""
    advice = " (to change your own labels: --reader NAME)" if disagreements else ""
    print_line(f"{one.file.name}: {counts}{_left_out(one.found)}{warning}{advice}")
    for region in one.found.regions[:MOST_REGIONS]:
        print_line(f"{region}: left out as a region, because no cell is wider than {LARGEST_UM:g} µm")
    return count


def _left_out(found: Changes) -> str:
    """What was made of shapes that are not one cell each."""
    words = {
        f"; {found.pieces} cells are pieces of shapes with several": found.pieces,
        f"; left out {found.skipped} annotations that are not cells": found.skipped,
        f"; left out {found.fragments} pieces smaller than {SMALLEST_UM:g} µm": found.fragments,
        f"; left out {found.copies} shapes of cells that the file has twice": found.copies,
    }
    return "".join(text for text, number in words.items() if number)
