"""Finding cells on slides: detect, detector train."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command, group
from orbicyte.cli.options import Device, Out, Seed, StudyWithSlides
from orbicyte.errors import OrbicyteError


@command(app, "detect")
def detect_command(
    out: Out,
    slides: Annotated[list[Path] | None, typer.Argument(help="Slides, or folders of slides.")] = None,
    detector: Annotated[
        Path | None, typer.Option(help="Folder of a detector.", show_default="the detector shipped with orbicyte")
    ] = None,
    mpp: Annotated[float | None, typer.Option(min=0.001, help="µm per pixel of slides whose file has none.")] = None,
    mpp_csv: Annotated[
        Path | None, typer.Option(help="CSV with columns file and mpp; overrides the file's metadata.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, HOST:PORT.", show_default="processes of this machine"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes of this machine.", show_default="one per GPU, or one per 4 cores"),
    ] = None,
    device: Device = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Only slides that failed before.")] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Repeat slides that another detector processed; cells that people reviewed stay unchanged."
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Repeat slides whose file was replaced by another one, unless reviewed."),
    ] = False,
) -> None:
    """Find the cells on slides and store them in the study; finished slides are skipped."""
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
            f"{len(detected.failed)} slides failed, for the reasons above; correct them, then run: "
            f"orbicyte detect --out {out} --retry-failed"
        )


detector_app = group("detector", "The network that finds cells: 'detector train STUDY'.", __name__)


@command(detector_app, "train")
def detector_train_command(
    study: StudyWithSlides,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the new detector.", show_default="STUDY/detector")
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(help="The detector to start from.", show_default="the detector shipped with orbicyte"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 300,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train the detector on the study's reviewed cells, and compare it with the old one on held-out cells."""
    from orbicyte.stages.train_detector import train_detector

    train_detector(study, out, detector=detector, steps=steps, device=device, seed=seed)
