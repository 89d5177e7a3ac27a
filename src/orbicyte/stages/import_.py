"""import: from folders of images to the study's patch store."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from orbicyte.data.duplicates import OnConflict
from orbicyte.data.listing import Layout, fingerprint, list_cells, shared
from orbicyte.data.patches import PatchStore, Skipped, write_store
from orbicyte.data.reading import Size, content_digest, read_entries, read_sizes, value_ranges
from orbicyte.data.resizing import ResizePlan, choose_plan, describe
from orbicyte.data.sampling import stratified_sample
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.study import Study
from orbicyte.study.patch_store import STORE_FILE
from orbicyte.text import number_of

SKIPPED_SHOWN = 10
DARK = 0.1
"""Intensity, 0 to 1, below which a background is unlikely in a bright-field image."""


def import_(
    folder: Path | str,
    study: Study | Path | str,
    *,
    labels: Path | str | None = None,
    unlabelled: Path | str | None = None,
    file_column: str | None = None,
    label_column: str | None = None,
    max_cells: int | None = None,
    seed: int = 0,
    patch_px: int | None = None,
    view_px: int | None = None,
    on_conflict: OnConflict = "error",
    allow_shared_slides: bool = False,
    value_range: tuple[float, float] | None = None,
    label_level: int | None = None,
    encoding: str | None = None,
) -> PatchStore:
    """Import the images in ``folder`` (see ``orbicyte.data.listing`` for the layouts) into ``study``.

    ``max_cells`` cells are sampled with ``seed``, with the share of each type kept; ``patch_px`` is the stored side
    (default: the most frequent), ``view_px`` that of the central square that networks see (default: the whole patch).
    Unlabelled patches from a slide or patient with labelled ones are marked as shared and left out of training (paper
    2.1), unless ``allow_shared_slides``. If repeated with the same files and arguments, nothing is done; their content
    decides, not their place or time. ``value_range``: black and white of images of more than 8 bits, by default decided
    from all of them (see ``orbicyte.data.values``); ``label_level``: which level of sub-folders is the types;
    ``encoding``: of the table.

    Raises ``OrbicyteError`` for anything wrong with the files; the study then has no patches, and a new one is removed.
    """
    layout = Layout(Path(folder), _path(labels), _path(unlabelled), file_column, label_column, label_level, encoding)
    # The seed is part of the options only where it is used: another seed for training is not another import.
    sampling_seed = None if max_cells is None else seed
    options = Options(max_cells, sampling_seed, patch_px, view_px, on_conflict, allow_shared_slides, value_range)
    with nullcontext(study) if isinstance(study, Study) else Study.creating(study) as opened, opened.lock():
        return _import(opened, layout, options)


@dataclass(frozen=True)
class Options:
    """Everything except the files that determines what is stored."""

    max_cells: int | None
    seed: int | None
    patch_px: int | None
    view_px: int | None
    on_conflict: OnConflict
    allow_shared_slides: bool
    value_range: tuple[float, float] | None = None

    def arguments(self) -> dict[str, Any]:
        """As stored; a range only if it is stated, as in studies made before it could be."""
        stored = asdict(self)
        if self.value_range is None:
            del stored["value_range"]
        else:
            stored["value_range"] = list(self.value_range)
        return stored


def _import(study: Study, layout: Layout, options: Options) -> PatchStore:
    listing = list_cells(layout)
    source = {"arguments": options.arguments(), "content": content_digest(listing)}
    if study.patches.exists():
        return _reopened(study, source, listing)
    warnings = _mark_shared(listing, options.allow_shared_slides)
    if options.max_cells is not None and options.seed is not None:
        listing = listing.iloc[stratified_sample(list(listing["label"]), options.max_cells, options.seed)]
    sizes = read_sizes(listing)
    plan = _plan(listing, sizes, options)
    files = [Path(*row) for row in zip(listing["root"], listing["file"], strict=True)]
    ranges = value_ranges(files, options.value_range)
    store = write_store(
        study.patches,
        track(read_entries(listing, sizes, plan, ranges), "patches", len(listing)),
        side_px=plan.side_px,
        view_px=plan.view_px,
        mpp=plan.mpp,
        on_conflict=options.on_conflict,
        source=source,
        warnings=warnings,
    )
    _print_summary(store)
    return store


def _plan(listing: pd.DataFrame, sizes: Sequence[Size | Skipped], options: Options) -> ResizePlan:
    sized = [(size, mpp) for size, mpp in zip(sizes, listing["mpp"], strict=True) if not isinstance(size, Skipped)]
    readable, mpp = [size for size, _ in sized], [mpp for _, mpp in sized]
    plan = choose_plan(readable, mpp, options.patch_px, options.view_px)
    for line in describe(plan, readable, mpp):
        print_line(line)
    return plan


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _reopened(study: Study, source: dict[str, Any], listing: pd.DataFrame) -> PatchStore:
    store = PatchStore.open(study.patches)
    if "listing" in store.source:  # made before contents were compared
        source = {"arguments": source["arguments"], "listing": fingerprint(listing)}
    if store.source != source:
        raise OrbicyteError(
            f"{study.path} has patches of other files or options: choose another --out, or delete {study.patches}"
        )
    print_line("patches: already imported")
    return store


def _mark_shared(listing: pd.DataFrame, allow: bool) -> list[str]:
    """Add the column ``shared``; returns the warnings to keep in the store."""
    found = shared(listing)
    listing["shared"] = found & (not allow)
    if not (allow and found.any()):
        return []
    return [
        f"{found.sum()} unlabelled patches come from slides or patients that also have labelled ones, and were kept in "
        "training (--allow-shared-slides): scores may be too high"
    ]


def _print_summary(store: PatchStore) -> None:
    left_out = int(store.cells["shared"].sum())
    labelled = len(store.labelled)
    print_line(f"imported {number_of(len(store), 'cell')}: {labelled} labelled, {len(store) - labelled} unlabelled")
    if store.types:
        print_line("types: " + ", ".join(f"{name} {count}" for name, count in store.types.items()))
    scale = "µm per pixel not known" if store.mpp is None else f"{store.mpp:.4g} µm per pixel"
    print_line(f"{store.size_text}; {scale}")
    if left_out:
        print_line(f"left out of training: {left_out} unlabelled patches whose slide or patient also has labelled ones")
    for group in store.duplicates:
        kept = "none kept, their labels differ" if group.kept is None else f"kept {group.kept}"
        print_line(f"identical images: dropped {', '.join(group.dropped)}, {kept}")
    for item in store.skipped[:SKIPPED_SHOWN]:
        warn(f"{item.file} is left out: {item.reason}")
    if len(store.skipped) > SKIPPED_SHOWN:
        warn(f"left out: {number_of(len(store.skipped), 'file')}, see {store.path / STORE_FILE}")
    if max(store.fill_rgb) < DARK:
        warn("patches are nearly black: if white is another value, state it with --value-range BLACK,WHITE")
    for line in store.warnings:
        warn(line)
