"""Accepted cells: those of the review that are cut, counted and exported, by the options of the last cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import TypeAdapter

from orbicyte.data.updating import source_of
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.study import Study
from orbicyte.study.files import validated
from orbicyte.study.slides import slide_names

Border = Literal["drop", "white"]


@dataclass(frozen=True)
class CutOptions:
    """Options of ``cut``: which cells, and the size and resolution of their patches.

    ``mpp`` (µm per pixel): the paper's slides were scanned with a 63x lens, about 0.1 µm per pixel, so that its patches
    of ``view_px`` = 256 pixels show 26 µm: the largest counted cells, and the surroundings of the others. ``border``: a
    cell whose stored square extends beyond the slide is dropped, since a rotated view of it would contain invented
    pixels ("drop"), or the missing part is filled with white ("white"). ``checked_only``: leave out cells that nobody
    checked or labelled. ``reader``: use only this reader's labels; None: the labels on which all readers of a cell
    agree. ``allow_shared_slides``: train on unlabelled cells of slides that also have labelled cells.
    """

    mpp: float = 0.1
    view_px: int = 256
    border: Border = "drop"
    checked_only: bool = False
    reader: str | None = None
    allow_shared_slides: bool = False


_OPTIONS = TypeAdapter(CutOptions)


def last_options(study: Study) -> CutOptions:
    """The options of the study's last cut, or the defaults. Raises ``OrbicyteError`` for imported patches."""
    before = source_of(study.patches)
    if before and "cut" not in before:
        raise OrbicyteError(f"{study.patches} holds imported patches: cut the slides into a separate study")
    return validated(_OPTIONS, before.get("cut", {}), study.patches, "cut again with all options")


def accepted_cells(study: Study, options: CutOptions) -> pd.DataFrame:
    """The reviewed cells (columns of ``reviewed_cells``) without rejected and, by option, unchecked cells."""
    cells = reviewed_cells(study, None, options.reader or None)
    cells = cells[cells["status"] != "rejected"]
    return cells[~is_unchecked(cells)] if options.checked_only else cells


def is_unchecked(cells: pd.DataFrame) -> "pd.Series[bool]":
    """True for cells that nobody checked or labelled: a labelled cell counts as checked."""
    return (cells["status"] == "unchecked") & cells["label"].isna()


def exported_cells(study: Study, slides: Sequence[str]) -> pd.DataFrame:
    """The cells of ``slides`` (columns of ``reviewed_cells``) that are not rejected, for export."""
    cells = reviewed_cells(study, slides)
    return cells[cells["status"] != "rejected"]


def require_slides(study: Study) -> list[str]:
    """Names of the study's slides. Raises ``OrbicyteError`` if it has none."""
    slides = slide_names(study)
    if not slides:
        raise OrbicyteError(f"{study.path} has no slides: run 'orbicyte detect SLIDES --out {study.path}'")
    return slides
