"""Detection of cells on slides: detect, detector train."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command, group
from orbicyte.cli.options import PLACE, Device, Encoding, Out, Seed, StudyWithSlides, ValueRange, value_range
from orbicyte.errors import OrbicyteError
from orbicyte.text import number_of


@command(app, "detect")
def detect_command(
    out: Out,
    slides: Annotated[
        list[Path] | None, typer.Argument(help="Slides, or folders of slides.", callback=paths.existing)
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(help="Folder of the detector to use. Without it, the shipped one.", callback=paths.existing),
    ] = None,
    mpp: Annotated[
        float | None, typer.Option(min=0.001, help="µm per pixel, for slides without it in their metadata.")
    ] = None,
    mpp_csv: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with columns file and mpp; overrides the slides' metadata.", callback=paths.existing
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="A Dask scheduler, whose workers do the work. Without it, processes on this machine.",
            rich_help_panel=PLACE,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes on this machine. Without it, one per GPU, or one per 4 cores.",
            rich_help_panel=PLACE,
        ),
    ] = None,
    device: Device = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Process only slides that failed before.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Process slides again if another detector was used; reviewed cells stay unchanged."
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Process slides again if their file was replaced by another, unless reviewed."),
    ] = False,
    value_range_: ValueRange = None,
    encoding: Encoding = None,
) -> None:
    """Detect the cells on slides and store them in the study; finished slides are skipped."""
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
        value_range=value_range(value_range_),
        encoding=encoding,
    )
    if detected.failed:
        raise OrbicyteError(
            f"{number_of(len(detected.failed), 'slide')} failed, for the reasons above; solve these problems, then "
            f"run, with the options that were missing: orbicyte detect --out {out} --retry-failed"
        )


detector_app = group("detector", "Train the network that detects cells: 'detector train STUDY'.", __name__)


@command(detector_app, "train")
def detector_train_command(
    study: StudyWithSlides,
    out: Annotated[Path | None, typer.Option(help="Folder of the new detector.", show_default="STUDY/detector")] = None,
    detector: Annotated[
        Path | None,
        typer.Option(
            help="The detector to start from.",
            show_default="the detector shipped with orbicyte",
            callback=paths.existing,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Number of training steps.")] = 300,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train the detector on the reviewed cells, and compare it with the old one on held-out cells."""
    from orbicyte.stages.train_detector import train_detector

    train_detector(study, out, detector=detector, steps=steps, device=device, seed=seed)
