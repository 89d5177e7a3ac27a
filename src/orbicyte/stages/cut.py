"""cut: a patch round every reviewed cell of the study's slides -> the patch store that ``train`` reads."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from orbicyte.data.amending import amending, is_same, source_of
from orbicyte.data.images import MIN_SIDE_PX
from orbicyte.data.listing import shared
from orbicyte.data.patches import PatchStore, Skipped
from orbicyte.errors import OrbicyteError
from orbicyte.progress import say, track, warn
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.classes import OTHER
from orbicyte.slides.cut import in_reading_order, leaves_slide, missing_patches, stored_px
from orbicyte.slides.registry import SlideRecord, read_record, slide_names
from orbicyte.study import Study

Border = Literal["drop", "white"]


@dataclass(frozen=True)
class CutOptions:
    """What is cut, and how.

    ``mpp``: the paper's slides were scanned with a 63x lens, which is about 0.1 µm per pixel, so that its patches of
    ``patch_px`` = 256 show 26 µm: the largest cells that are counted, and what lies round the others. ``border``: a
    cell whose stored square leaves the slide is dropped, since turning it would invent pixels, or white is put there.
    ``checked_only``: leave out cells that nobody checked or named. ``reader``: whose names are taken; None: those on
    which all who named the cell agree. ``allow_shared_slides``: train on unnamed cells of slides that have named ones.
    """

    mpp: float = 0.1
    patch_px: int = 256
    border: Border = "drop"
    checked_only: bool = False
    reader: str | None = None
    allow_shared_slides: bool = False


def cut(
    study: Study | Path | str,
    *,
    mpp: float | None = None,
    patch_px: int | None = None,
    border: Border | None = None,
    checked_only: bool | None = None,
    reader: str | None = None,
    allow_shared_slides: bool | None = None,
) -> PatchStore:
    """Cut a patch round every cell of ``study`` that is not rejected; see ``CutOptions``.

    What is None is as it was when the study was cut last. Cells that are where they were keep their patch; moved and
    new ones are read from their slides, and only those. Named cells are labelled, the other cells of their slides
    ``shared``. Slides that cannot be read are told and left out. Raises ``OrbicyteError`` for a study without slides
    or cells, or with imported patches.
    """
    study = Study.of(study)
    given = {
        "mpp": mpp,
        "patch_px": patch_px,
        "border": border,
        "checked_only": checked_only,
        "reader": reader,
        "allow_shared_slides": allow_shared_slides,
    }
    with study.lock():
        return _cut(study, {name: value for name, value in given.items() if value is not None})


def has_slides(study: Study) -> bool:
    """Whether the study's patches are cut from slides."""
    return bool(slide_names(study))


def last_options(study: Study) -> CutOptions:
    """How the study was cut last; the defaults where it was not. Raises ``OrbicyteError`` for imported patches."""
    before = source_of(study.patches)
    if before and "cut" not in before:
        raise OrbicyteError(f"{study.patches} holds imported patches: cut slides into a study of their own")
    return CutOptions(**before.get("cut", {}))


def cells_that_count(study: Study, options: CutOptions) -> pd.DataFrame:
    """The reviewed cells, as ``reviewed_cells`` has them, that are neither rejected nor left out as unchecked."""
    cells = reviewed_cells(study, None, options.reader or None)
    cells = cells[cells["status"] != "rejected"]
    return cells[~_unchecked(cells)] if options.checked_only else cells


def _unchecked(cells: pd.DataFrame) -> "pd.Series[bool]":
    """Cells that nobody checked; who names one says that it is a cell."""
    return (cells["status"] == "unchecked") & cells["label"].isna()


def _cut(study: Study, given: dict[str, Any]) -> PatchStore:
    options = replace(last_options(study), **given)
    _check(options)
    records = {name: read_record(study, name) for name in slide_names(study)}
    if not records:
        raise OrbicyteError(f"{study.path} has no slides: find cells with 'orbicyte detect SLIDES --out {study.path}'")
    wanted = _wanted(study, records, options)
    slides = {name: record.fingerprint for name, record in records.items() if name in set(wanted["slide"])}
    source = {"cut": asdict(options), "slides": slides}
    before = source_of(study.patches).get("slides", {})
    replaced = [name for name, fingerprint in before.items() if slides.get(name) != fingerprint]
    if (study.patches / "store.json").exists() and _is_done(study, wanted, source):
        say("patches: already cut")
        return PatchStore.open(study.patches)
    side_px = stored_px(options.patch_px)
    sizes = {"side_px": side_px, "field_px": options.patch_px}
    failed: list[Skipped] = []
    with amending(study.patches, wanted, mpp=options.mpp, source=source, replaced=replaced, **sizes) as store:
        total = len(store.unread)
        _warn_of_enlarging([records[name] for name in slides], options.mpp)
        for _ in track(missing_patches(store, records, failed=failed, **sizes), "patches", total):
            pass
        done = store.finish(failed, _warnings(wanted, options))
    _tell(done, total)
    return done


def _check(options: CutOptions) -> None:
    if not 0.01 <= options.mpp <= 10:
        raise OrbicyteError(f"--mpp takes µm per pixel from 0.01 to 10, got {options.mpp}")
    if options.patch_px < MIN_SIDE_PX:
        raise OrbicyteError(f"--patch-px takes {MIN_SIDE_PX} or more, got {options.patch_px}")
    if options.border not in ("drop", "white"):
        raise OrbicyteError(f"--border takes drop or white, got {options.border!r}")


def _is_done(study: Study, wanted: pd.DataFrame, source: dict[str, Any]) -> bool:
    try:
        return is_same(PatchStore.open(study.patches), wanted, source)
    except OrbicyteError:
        return False


def _wanted(study: Study, records: dict[str, SlideRecord], options: CutOptions) -> pd.DataFrame:
    """The table of the patches to come, with the columns of ``data.patches.SCHEMA`` but ``cell``."""
    cells = cells_that_count(study, options)
    unchecked = int(_unchecked(cells).sum())
    if unchecked:
        say(f"{unchecked} of {len(cells)} cells were not checked by anyone: cut all the same (or say --checked-only)")
    cells = _within(cells, records, options)
    if cells.empty:
        raise OrbicyteError(f"no cells to cut in {study.path}: find, add or keep some ('orbicyte review {study.path}')")
    side_px = stored_px(options.patch_px)
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
    """Cells without those that the border policy drops; tells how many."""
    side_um = stored_px(options.patch_px) * options.mpp
    parts = [(part, leaves_slide(part, records[str(name)], side_um)) for name, part in cells.groupby("slide")]
    outside = sum(int(leaves.sum()) for _, leaves in parts)
    is_kept = options.border == "white"
    if outside:
        what = "white beyond it" if is_kept else "left out (--border white keeps them)"
        say(f"{outside} cells lie nearer than {side_um / 2:.1f} µm to their slide's border: {what}")
    if not outside or is_kept:
        return cells
    return pd.concat([part[~leaves] for part, leaves in parts])


def _warn_of_enlarging(records: Sequence[SlideRecord], mpp: float) -> None:
    coarse = [record for record in records if record.mpp > 1.01 * mpp]
    if coarse:
        worst = max(record.mpp for record in coarse)
        warn(
            f"{len(coarse)} of {len(records)} slides are coarser than {mpp:g} µm per pixel (up to {worst:.3g}): their "
            "patches are enlarged, which adds no detail (--mpp)"
        )


def _warnings(wanted: pd.DataFrame, options: CutOptions) -> list[str]:
    found = shared(wanted)
    if not (options.allow_shared_slides and found.any()):
        return []
    return [
        f"{found.sum()} unnamed cells of slides that also have named ones were kept in training "
        "(--allow-shared-slides): scores may be too good"
    ]


def _tell(store: PatchStore, total: int) -> None:
    labelled, left_out = len(store.labelled), int(store.cells["shared"].sum())
    slides = store.cells["slide"].nunique()
    say(f"{len(store)} patches of {slides} slides: {total} read, {len(store) - total} were there already")
    say(f"{labelled} named, {len(store) - labelled} not named")
    if store.types:
        say("types: " + ", ".join(f"{name} {count}" for name, count in store.types.items()))
    say(f"patches of {store.side_px} px, of which networks see {store.field_px}; {store.mpp:.4g} µm per pixel")
    if left_out:
        say(f"left out of training: {left_out} cells without a name on slides that also have named ones")
    for line in store.warnings:
        warn(line)
    for item in store.skipped:
        warn(f"slide {item.file} is left out: {item.reason}")
