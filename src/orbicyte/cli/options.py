"""Arguments and options that several commands share."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orbicyte import plugins, variants
from orbicyte.cli import paths
from orbicyte.errors import OrbicyteError
from orbicyte.presets import PAPER_NETWORKS, RECOMMENDED, ROTATION_WEIGHTS
from orbicyte.settings import Settings

PRESET_FOLDS = Settings().folds


class PresetName(StrEnum):
    """The presets of ``orbicyte.presets``."""

    quick = "quick"
    paper = "paper"


class OnConflict(StrEnum):
    """What to do with one image that has two labels."""

    error = "error"
    drop = "drop"


IMAGES = "Images and labels"
NETWORKS = "Networks"
FOLDS = "Folds and seed"
TRAINING = "Training"
PLACE = "Where the work is done"

Folder = Annotated[
    Path, typer.Argument(help="Folder of patches, each with one cell in the centre.", callback=paths.existing)
]
StudyArgument = Annotated[Path, typer.Argument(help="The study's folder.", callback=paths.study)]
StudyWithSlides = Annotated[
    Path, typer.Argument(help="The study's folder, made by 'orbicyte detect'.", callback=paths.study)
]
RunArgument = Annotated[Path, typer.Argument(help="A run folder, STUDY/runs/RUN.", callback=paths.run_folder)]
RunsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Run folders of the study, or their names. Without any, all trained runs.")
]
Out = Annotated[Path, typer.Option("--out", help="The study's folder.")]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="cpu, cuda, cuda:1, ... Without it, a GPU if there is one.", rich_help_panel=PLACE
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(help="CSV file with file names and labels.", rich_help_panel=IMAGES, callback=paths.existing),
]
Unlabelled = Annotated[
    Path | None,
    typer.Option(help="Folder of additional patches, without labels.", rich_help_panel=IMAGES, callback=paths.existing),
]
FileColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of the CSV file with file names.", rich_help_panel=IMAGES),
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of the CSV file with labels.", rich_help_panel=IMAGES)
]
MaxCells = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Import a random sample of this many cells, which keeps the share of each type.",
        rich_help_panel=IMAGES,
    ),
]
PatchPx = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Side of the stored patches, in pixels. Without it, the most frequent side.",
        rich_help_panel=IMAGES,
    ),
]
ViewPx = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Side of the central square that networks see, in pixels; the rest is a margin. Without it, the whole "
        "patch.",
        rich_help_panel=IMAGES,
    ),
]
Conflict = Annotated[
    OnConflict,
    typer.Option(help="If an image has two labels: stop with an error, or drop the image.", rich_help_panel=IMAGES),
]
SharedSlides = Annotated[
    bool,
    typer.Option(
        "--allow-shared-slides",
        help="Also train on unlabelled cells of slides with labelled cells.",
        rich_help_panel=FOLDS,
    ),
]
ValueRange = Annotated[
    str | None,
    typer.Option(
        "--value-range",
        metavar="BLACK,WHITE",
        help="For images of more than 8 bits: the values that are black and white, such as 0,4095 or 0,1. Without it, "
        "decided from all images.",
        rich_help_panel=IMAGES,
    ),
]
LabelLevel = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Level of the sub-folders that are named after types; 1: directly in FOLDER. Without it, the only level "
        "with several names.",
        rich_help_panel=IMAGES,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoding of the file's text, such as mac_roman. Without it, UTF-8, UTF-16 or cp1252.",
        rich_help_panel=IMAGES,
    ),
]
Networks = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="Networks, separated by commas; paper: the paper's four; pretrained: the shipped one, without training.",
        rich_help_panel=NETWORKS,
    ),
]
RotationWeights = Annotated[
    str,
    typer.Option(metavar="LIST", help="Weights of the rotation loss, separated by commas.", rich_help_panel=NETWORKS),
]
Folds = Annotated[
    int | None,
    typer.Option(
        min=3,
        help=f"Number of folds of the unlabelled cells. Without it, {PRESET_FOLDS}, or fewer if there are not as many "
        "slides.",
        rich_help_panel=FOLDS,
    ),
]
FoldNumber = Annotated[
    int, typer.Option("--fold", min=1, help="Number of the fold that is the test set.", rich_help_panel=FOLDS)
]
Preset = Annotated[
    PresetName,
    typer.Option(help="quick: 64 px, minutes on two CPU cores; paper: 256 px, for a GPU.", rich_help_panel=TRAINING),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random numbers.", rich_help_panel=FOLDS)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.NAME=VALUE",
        help="Change one setting; may be repeated. 'orbicyte settings' lists them.",
        rich_help_panel=TRAINING,
    ),
]

DEFAULT_NETWORKS = ",".join(RECOMMENDED)
PAPER = "paper"
"""Stands for the paper's networks in a list of networks."""
ALL_WEIGHTS = ",".join(map(str, ROTATION_WEIGHTS))


def names(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def network_names(text: str) -> list[str]:
    """The networks in a list separated by commas, with the paper's four for ``paper``.

    Raises ``OrbicyteError`` for a name that no network has.
    """
    every = [name for given in names(text) for name in (PAPER_NETWORKS if given == PAPER else (given,))]
    for name in every:
        plugins.require(variants, name)
    return list(dict.fromkeys(every))


def weights(text: str) -> list[float]:
    """Weights of the rotation loss. Raises ``OrbicyteError`` for anything but numbers of 0 or more."""
    try:
        found = [float(name) for name in names(text)]
    except ValueError:
        raise OrbicyteError(f"--rotation-weights takes numbers separated by commas, got {text!r}") from None
    if not found or not all(0 <= weight < math.inf for weight in found):
        raise OrbicyteError(f"--rotation-weights takes numbers of 0 or more, got {text!r}")
    return found


def value_range(text: str | None) -> tuple[float, float] | None:
    """Black and white. Raises ``OrbicyteError`` for anything but two different numbers."""
    if text is None:
        return None
    try:
        black, white = map(float, text.split(","))
    except ValueError:
        black = white = math.nan
    if not (math.isfinite(black) and math.isfinite(white) and black != white):
        raise OrbicyteError(f"--value-range takes two different numbers, BLACK,WHITE, got {text!r}")
    return black, white


def read_settings(preset: PresetName, seed: int, folds: int | None, assignments: list[str] | None) -> Settings:
    """The preset with the given changes. Raises ``OrbicyteError`` for an unknown setting or a wrong value."""
    from orbicyte import presets

    given = [f"seed={seed}"] + ([] if folds is None else [f"folds={folds}"])
    return presets.preset(preset.value).changed([*given, *(assignments or [])])
