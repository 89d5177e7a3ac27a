"""Patches, from slides or from a folder of images: cut, import; and what is wrong with them: audit."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command
from orbicyte.cli.options import (
    Conflict,
    Encoding,
    FileColumn,
    Folder,
    LabelColumn,
    LabelLevel,
    Labels,
    MaxCells,
    OnConflict,
    Out,
    PatchPx,
    Seed,
    SharedSlides,
    StudyArgument,
    StudyWithSlides,
    Unlabelled,
    ValueRange,
    ViewPx,
    value_range,
)

PREVIOUS = "previous value"


class Border(StrEnum):
    """What to do with a cell whose patch extends beyond its slide."""

    drop = "drop"
    white = "white"


@command(app, "cut")
def cut_command(
    study: StudyWithSlides,
    mpp: Annotated[
        float | None, typer.Option(help="µm per pixel of the patches.", show_default=f"{PREVIOUS}, or 0.1")
    ] = None,
    view_px: Annotated[
        int | None,
        typer.Option(
            help="Side of the square that networks see, in pixels; patches are stored with a margin for rotation.",
            show_default=f"{PREVIOUS}, or 256",
        ),
    ] = None,
    border: Annotated[
        Border | None,
        typer.Option(
            help="If a patch extends beyond the slide: drop the cell, or fill with white.",
            show_default=f"{PREVIOUS}, or drop",
        ),
    ] = None,
    checked_only: Annotated[
        bool | None,
        typer.Option(
            "--checked-only/--unchecked-too",
            help="Leave out cells that no reader checked or labelled.",
            show_default=f"{PREVIOUS}, or --unchecked-too",
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            help="Use the labels of this reader only; '': labels on which all readers agree.",
            show_default=f"{PREVIOUS}, or ''",
        ),
    ] = None,
    allow_shared_slides: Annotated[
        bool | None,
        typer.Option(
            "--allow-shared-slides/--no-shared-slides",
            help="Also train on unlabelled cells of slides with labelled cells.",
            show_default=f"{PREVIOUS}, or --no-shared-slides",
        ),
    ] = None,
) -> None:
    """Cut a patch around each cell that is not rejected.

    Omitted options keep their previous values. Cells that were cut before and were not moved are not read again.
    """
    from orbicyte.stages.cut import cut

    cut(
        study,
        mpp=mpp,
        view_px=view_px,
        border=None if border is None else border.value,
        checked_only=checked_only,
        reader=reader,
        allow_shared_slides=allow_shared_slides,
    )


@command(app, "import")
def import_command(
    folder: Folder,
    out: Out,
    labels: Labels = None,
    unlabelled: Unlabelled = None,
    max_cells: MaxCells = None,
    seed: Seed = 0,
    file_column: FileColumn = None,
    label_column: LabelColumn = None,
    patch_px: PatchPx = None,
    view_px: ViewPx = None,
    on_conflict: Conflict = OnConflict.error,
    allow_shared_slides: SharedSlides = False,
    value_range_: ValueRange = None,
    label_level: LabelLevel = None,
    encoding: Encoding = None,
) -> None:
    """Import a folder of patches into a study."""
    from orbicyte.stages.import_ import import_

    import_(
        folder,
        out,
        labels=labels,
        unlabelled=unlabelled,
        file_column=file_column,
        label_column=label_column,
        max_cells=max_cells,
        seed=seed,
        patch_px=patch_px,
        view_px=view_px,
        on_conflict=on_conflict.value,
        allow_shared_slides=allow_shared_slides,
        value_range=value_range(value_range_),
        label_level=label_level,
        encoding=encoding,
    )


@command(app, "audit")
def audit_command(
    study: StudyArgument,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder with the results of more runs, as of 'orbicyte experiment --results'."),
    ] = None,
) -> None:
    """Look for copies of cells and for doubtful labels, and write audit.html and tables.

    Copies are found whatever their rotation, reflection, brightness and compression. Labels are compared with the
    predictions of all networks that were evaluated.
    """
    from orbicyte.stages.audit import audit
    from orbicyte.study import Study

    result = audit(study, results)
    typer.echo("\n".join([*result.findings(), *(f"not checked: {note}" for note in result.notes)]))
    typer.echo(f"audit: {Study(study).audit}")
