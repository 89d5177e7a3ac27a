"""Arguments and options that several commands share."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbicyte.errors import OrbicyteError
from orbicyte.presets import PAPER_NETWORKS, RECOMMENDED, ROTATION_WEIGHTS

if TYPE_CHECKING:
    from orbicyte.settings import Settings


class PresetName(StrEnum):
    """The presets of ``orbicyte.presets``."""

    quick = "quick"
    paper = "paper"


class OnConflict(StrEnum):
    """What to do with one image that has two labels."""

    error = "error"
    drop = "drop"


Folder = Annotated[Path, typer.Argument(help="Folder of patches, each with one cell in the centre.")]
StudyArgument = Annotated[Path, typer.Argument(help="The study's folder.")]
StudyWithSlides = Annotated[Path, typer.Argument(help="The study's folder, made by 'orbicyte detect'.")]
RunArgument = Annotated[Path, typer.Argument(help="A run folder, STUDY/runs/RUN.")]
RunsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Run folders of the study, or their names; default: all trained runs.")
]
Out = Annotated[Path, typer.Option("--out", help="The study's folder.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...", show_default="a GPU if there is one")]
Labels = Annotated[Path | None, typer.Option(help="CSV file with file names and labels.")]
Unlabelled = Annotated[Path | None, typer.Option(help="Folder of additional patches, without labels.")]
FileColumn = Annotated[str | None, typer.Option(help="Column of the CSV file with file names.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the CSV file with labels.")]
MaxCells = Annotated[
    int | None,
    typer.Option(min=1, help="Import a random sample of this many cells, which keeps the share of each type."),
]
PatchPx = Annotated[
    int | None,
    typer.Option(min=16, help="Side of the stored patches, in pixels.", show_default="the most frequent side"),
]
ViewPx = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Side of the central square that networks see, in pixels; the rest is a margin.",
        show_default="the whole patch",
    ),
]
Conflict = Annotated[
    OnConflict, typer.Option(help="If an image has two labels: stop with an error, or drop the image.")
]
SharedSlides = Annotated[
    bool, typer.Option("--allow-shared-slides", help="Also train on unlabelled cells of slides with labelled cells.")
]
ValueRange = Annotated[
    str | None,
    typer.Option(
        "--value-range",
        metavar="BLACK,WHITE",
        help="For images of more than 8 bits: the values that are black and white, such as 0,4095 or 0,1.",
        show_default="decided from all images",
    ),
]
LabelLevel = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Level of the sub-folders that are named after types; 1: directly in FOLDER.",
        show_default="the only one with several names",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of the file's text, such as mac_roman.", show_default="UTF-8, UTF-16, or cp1252"),
]
Networks = Annotated[
    str,
    typer.Option(
        help="Networks, separated by commas; paper: the paper's four; pretrained: the shipped one, without training."
    ),
]
RotationWeights = Annotated[str, typer.Option(help="Weights of the rotation loss, separated by commas.")]
Folds = Annotated[
    int | None, typer.Option(min=3, help="Number of folds of the unlabelled cells.", show_default="the preset's, 6")
]
FoldNumber = Annotated[int, typer.Option("--fold", min=1, help="Number of the fold that is the test set.")]
Preset = Annotated[PresetName, typer.Option(help="quick: 64 px, minutes on two CPU cores; paper: 256 px, for a GPU.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.NAME=VALUE", help="Change one setting; may be repeated.")
]

DEFAULT_NETWORKS = ",".join(RECOMMENDED)
PAPER = "paper"
"""Stands for the paper's networks in a list of networks."""
ALL_WEIGHTS = ",".join(map(str, ROTATION_WEIGHTS))


def names(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def network_names(text: str) -> list[str]:
    """The networks in a list separated by commas, with the paper's four for ``paper``."""
    every = [name for given in names(text) for name in (PAPER_NETWORKS if given == PAPER else (given,))]
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


def read_settings(preset: PresetName, seed: int, folds: int | None, assignments: list[str] | None) -> "Settings":
    """The preset with the given changes. Raises ``OrbicyteError`` for an unknown setting or a wrong value."""
    from orbicyte import presets

    given = [f"seed={seed}"] + ([] if folds is None else [f"folds={folds}"])
    return presets.preset(preset.value).changed([*given, *(assignments or [])])
