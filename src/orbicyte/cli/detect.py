"""Finding cells on slides: detect."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command
from orbicyte.cli.options import Out
from orbicyte.errors import OrbicyteError


@command(app, "detect")
def detect_command(
    out: Out,
    slides: Annotated[list[Path] | None, typer.Argument(help="Slides, or folders of them.")] = None,
    detector: Annotated[Path | None, typer.Option(help="A detector's folder; by default orbicyte's own.")] = None,
    mpp: Annotated[float | None, typer.Option(min=0.001, help="µm per pixel, where a file has none.")] = None,
    mpp_csv: Annotated[
        Path | None, typer.Option(help="CSV with columns file and mpp; goes before what files say.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler; by default processes of this machine.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of this machine; by default one a GPU, or one for 4 cores.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...; by default the best there is.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Only slides that failed before.")] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Anew where another detector found the cells; cells that people reviewed stay as they are."
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Anew where another file lies in a slide's place; not if reviewed.")
    ] = False,
) -> None:
    """Slides -> the cells on them, kept in the study. What is done is skipped."""
    from orbicyte.stages.detect import detect

    detected = detect(
        slides or [],
        out,
        detector=detector,
        mpp=mpp,
        mpp_csv=mpp_csv,
        scheduler=scheduler,
        workers=workers,
        device=device,
        retry_failed=retry_failed,
        again=again,
        replace=replace,
    )
    if detected.failed:
        raise OrbicyteError(
            f"{len(detected.failed)} slides failed, for the reasons above; when they are mended: "
            f"orbicyte detect --out {out} --retry-failed"
        )
