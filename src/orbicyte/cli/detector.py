"""The detector itself: detector train."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import command, group
from orbicyte.cli.options import Seed, StudyArgument

detector_app = group("detector", "What finds cells on slides: 'detector train STUDY'.")


@command(detector_app, "train")
def detector_train_command(
    study: StudyArgument,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the new detector; by default 'detector' in the study.")
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(help="The detector to begin with; by default orbicyte's own.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 300,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...; by default the best there is.")] = None,
    seed: Seed = 0,
) -> None:
    """The detector learns from the study's reviewed cells; says whether it finds held-out ones better."""
    from orbicyte.stages.detector import train_detector

    train_detector(study, out, detector=detector, steps=steps, device=device, seed=seed)
