"""cut: a patch around every accepted cell of the study's slides -> the patch store that ``train`` reads."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from orbicyte.data.images import MIN_SIDE_PX
from orbicyte.data.listing import shared
from orbicyte.data.patches import PatchStore, Skipped, is_store
from orbicyte.data.updating import is_same, source_of, updating
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.review.accepted import Border, CutOptions, accepted_cells, is_unchecked, last_options
from orbicyte.slides.cut import in_reading_order, leaves_slide, missing_patches, stored_px
from orbicyte.study import Study
from orbicyte.study.classes import OTHER
from orbicyte.study.slides import SlideRecord, read_record, slide_names
from orbicyte.text import number_of


def cut(
    study: Study | Path | str,
    *,
    mpp: float | None = None,
    view_px: int | None = None,
    border: Border | None = None,
    checked_only: bool | None = None,
    reader: str | None = None,
    allow_shared_slides: bool | None = None,
    need_labels: bool = False,
) -> PatchStore:
    """Cut a patch around every accepted cell of ``study``; see ``CutOptions``.

    Arguments that are None keep their previous values. Cells that were not moved keep their patch; only moved and new
    ones are read from their slides. Unlabelled cells of slides with labelled ones are marked ``shared``. Slides that
    cannot be read are left out, with a warning. ``need_labels``: raise if no cell has a label, before anything is cut.
    Raises ``OrbicyteError`` for a study without slides or cells, or with imported patches.
    """
    study = Study.of(study)
    given = {
        "mpp": mpp,
        "view_px": view_px,
        "border": border,
        "checked_only": checked_only,
        "reader": reader,
        "allow_shared_slides": allow_shared_slides,
    }
    with study.lock():
        store = _cut(study, {name: value for name, value in given.items() if value is not None}, need_labels)
    if need_labels:
        _require_label(study, bool(len(store.labelled)))
    return store


def _cut(study: Study, given: dict[str, Any], need_labels: bool) -> PatchStore:
    options = replace(last_options(study), **given)
    _check(options)
    records = {name: read_record(study, name) for name in slide_names(study)}
    if not records:
        raise OrbicyteError(f"{study.path} has no slides: run 'orbicyte detect SLIDES --out {study.path}'")
    wanted = _wanted(study, records, options)
    if need_labels:
        _require_label(study, bool(wanted["label"].notna().any()))
    slides = {name: record.fingerprint for name, record in records.items() if name in set(wanted["slide"])}
    source = {"cut": asdict(options), "slides": slides}
    before = source_of(study.patches).get("slides", {})
    replaced = [name for name, fingerprint in before.items() if slides.get(name) != fingerprint]
    if is_store(study.patches) and _is_done(study, wanted, source):
        print_line("patches: already cut")
        return PatchStore.open(study.patches)
    side_px = stored_px(options.view_px)
    sizes = {"side_px": side_px, "view_px": options.view_px}
    failed: list[Skipped] = []
    with updating(study.patches, wanted, mpp=options.mpp, source=source, replaced=replaced, **sizes) as store:
        total = len(store.unread)
        _warn_about_enlarging([records[name] for name in slides], options.mpp)
        for _ in track(missing_patches(store, records, failed=failed, **sizes), "patches", total):
            pass
        done = store.finish(failed, _warnings(wanted, options))
    _print_summary(done, total)
    return done


def _require_label(study: Study, has_label: bool) -> None:
    if not has_label:
        raise OrbicyteError(
            f"no cell in {study.path} has a label yet, so types cannot be learned: label some with 'orbicyte review "
            f"{study.path}', predict types without labels with 'orbicyte classify {study.path}', or learn "
            f"representations alone with 'orbicyte cut {study.path}' and 'orbicyte train'"
        )


def _check(options: CutOptions) -> None:
    if not 0.01 <= options.mpp <= 10:
        raise OrbicyteError(f"--mpp takes µm per pixel from 0.01 to 10, got {options.mpp}")
    if options.view_px < MIN_SIDE_PX:
        raise OrbicyteError(f"--view-px takes {MIN_SIDE_PX} or more, got {options.view_px}")
    if options.border not in ("drop", "white"):
        raise OrbicyteError(f"--border takes drop or white, got {options.border!r}")


def _is_done(study: Study, wanted: pd.DataFrame, source: dict[str, Any]) -> bool:
    try:
        return is_same(PatchStore.open(study.patches), wanted, source)
    except OrbicyteError:
        return False


def _wanted(study: Study, records: dict[str, SlideRecord], options: CutOptions) -> pd.DataFrame:
    """The table of the patches to cut, with the columns of ``data.patches.SCHEMA`` except ``cell``."""
    cells = accepted_cells(study, options)
    unchecked = int(is_unchecked(cells).sum())
    if unchecked:
        print_line(
            f"{unchecked} of {len(cells)} cells were not checked by any reader; they are cut too ('orbicyte cut "
            "--checked-only' leaves them out)"
        )
    cells = _within(cells, records, options)
    if cells.empty:
        raise OrbicyteError(
            f"no cells to cut in {study.path}: detect, add or keep some ('orbicyte review {study.path}')"
        )
    side_px = stored_px(options.view_px)
    cells = in_reading_order(cells)
    table = pd.DataFrame(
        {
            "file": cells["slide"] + "/" + cells["id"],
            "label": cells["label"].where(cells["label"] != OTHER, None),
            "slide": cells["slide"],
            "patient": None,
            "mpp": options.mpp,
            "width_px": side_px,
            "height_px": side_px,
            "id": cells["id"],
            "x_px": cells["x_px"],
            "y_px": cells["y_px"],
            "reviewer": cells["reviewer"],
            "status": cells["status"],
        }
    ).reset_index(drop=True)
    return table.assign(shared=shared(table) & (not options.allow_shared_slides))


def _within(cells: pd.DataFrame, records: dict[str, SlideRecord], options: CutOptions) -> pd.DataFrame:
    """The cells that the border policy keeps; prints how many are affected."""
    side_um = stored_px(options.view_px) * options.mpp
    parts = [(part, leaves_slide(part, records[str(name)], side_um)) for name, part in cells.groupby("slide")]
    outside = sum(int(leaves.sum()) for _, leaves in parts)
    is_kept = options.border == "white"
    if outside:
        what = "filled with white" if is_kept else "left out ('orbicyte cut --border white' keeps them)"
        print_line(
            f"closer than {side_um / 2:.1f} µm to the border of their slide: {number_of(outside, 'cell')}, {what}"
        )
    if not outside or is_kept:
        return cells
    return pd.concat([part[~leaves] for part, leaves in parts])


def _warn_about_enlarging(records: Sequence[SlideRecord], mpp: float) -> None:
    coarse = [record for record in records if record.mpp > 1.01 * mpp]
    if coarse:
        worst = max(record.mpp for record in coarse)
        warn(
            f"{len(coarse)} of {len(records)} slides are coarser than {mpp:g} µm per pixel (up to {worst:.3g}): their "
            f"patches are enlarged to {mpp:g}, which adds no detail ('orbicyte cut --mpp' sets another value)"
        )


def _warnings(wanted: pd.DataFrame, options: CutOptions) -> list[str]:
    found = shared(wanted)
    if not (options.allow_shared_slides and found.any()):
        return []
    return [
        f"{found.sum()} unlabelled cells of slides that also have labelled ones were kept in training "
        "(--allow-shared-slides): scores may be too high"
    ]


def _print_summary(store: PatchStore, total: int) -> None:
    labelled, left_out = len(store.labelled), int(store.cells["shared"].sum())
    slides = store.cells["slide"].nunique()
    print_line(
        f"patches: {len(store):,} of {number_of(slides, 'slide')}; {total} read, {len(store) - total} already stored"
    )
    print_line(f"{labelled} labelled, {len(store) - labelled} unlabelled")
    if store.types:
        print_line("types: " + ", ".join(f"{name} {count}" for name, count in store.types.items()))
    print_line(f"{store.size_text}; {store.mpp:.4g} µm per pixel")
    if left_out:
        print_line(f"left out of training: {left_out} unlabelled cells on slides that also have labelled ones")
    for line in store.warnings:
        warn(line)
    for item in store.skipped:
        warn(f"slide {item.file} is left out: {item.reason}")
