"""From reviewed cells to patches, and from typed cells to counts: cut, count."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command

StudyWithSlides = Annotated[Path, typer.Argument(help="The study's folder, made by 'orbicyte detect'.")]
Reader = Annotated[
    str | None, typer.Option(help="Take this reader's names alone; '' for those on which all readers agree.")
]


class Border(StrEnum):
    """What to do about a cell whose patch reaches beyond its slide."""

    drop = "drop"
    white = "white"


@command(app, "cut")
def cut_command(
    study: StudyWithSlides,
    mpp: Annotated[float | None, typer.Option(help="µm per pixel of the patches, at first 0.1.")] = None,
    patch_px: Annotated[
        int | None, typer.Option(help="Side of what networks see, at first 256; stored with a margin for turning.")
    ] = None,
    border: Annotated[
        Border | None, typer.Option(help="Cells whose patch leaves the slide: drop them, or put white there.")
    ] = None,
    checked_only: Annotated[
        bool | None,
        typer.Option("--checked-only/--unchecked-too", help="Leave out cells nobody checked or named."),
    ] = None,
    reader: Reader = None,
    allow_shared_slides: Annotated[
        bool | None,
        typer.Option(
            "--allow-shared-slides/--no-shared-slides", help="Train on unnamed cells of slides that have named ones."
        ),
    ] = None,
) -> None:
    """Cut a patch round each cell that is not rejected; options not given are as at the last time.

    Cells that were cut before and were not moved are not read again.
    """
    from orbicyte.stages.cut import cut

    cut(
        study,
        mpp=mpp,
        patch_px=patch_px,
        border=None if border is None else border.value,
        checked_only=checked_only,
        reader=reader,
        allow_shared_slides=allow_shared_slides,
    )


@command(app, "count")
def count_command(
    study: StudyWithSlides,
    run: Annotated[
        str | None, typer.Option(help="The run that types the cells; by default what 'orbicyte classify STUDY' said.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A CSV with one row for each slide and type.")] = None,
) -> None:
    """The differential count of each slide: per cent of each type, and 95 % intervals, classifier errors included."""
    from orbicyte.stages.count import as_text, count

    typer.echo(as_text(count(study, run=run, out=out)))
