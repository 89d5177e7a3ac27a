"""Arguments and options that several commands share."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbicyte.errors import OrbicyteError

if TYPE_CHECKING:
    from orbicyte.settings import Settings

PresetName = StrEnum("PresetName", ["quick", "paper"])  # of orbicyte.presets


class OnConflict(StrEnum):
    """What to do about one image with two labels."""

    error = "error"
    drop = "drop"


Folder = Annotated[Path, typer.Argument(help="Folder of patches, one cell in the centre of each.")]
StudyArgument = Annotated[Path, typer.Argument(help="The study's folder, made by 'orbicyte import' or 'run'.")]
RunsArgument = Annotated[list[str] | None, typer.Argument(help="Names of runs; all trained ones by default.")]
Out = Annotated[Path, typer.Option("--out", help="The study's folder.")]
Labels = Annotated[Path | None, typer.Option(help="CSV that names files and their labels.")]
Unlabelled = Annotated[Path | None, typer.Option(help="Folder of further patches without labels.")]
FileColumn = Annotated[str | None, typer.Option(help="Column of the CSV with file names.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the CSV with labels.")]
MaxCells = Annotated[
    int | None, typer.Option(min=1, help="Draw this many cells at random, keeping the labels' shares.")
]
PatchPx = Annotated[int | None, typer.Option(min=16, help="Side of the stored patches; by default the commonest side.")]
FieldPx = Annotated[
    int | None, typer.Option(min=16, help="Side of the square that networks see, where patches have a margin round it.")
]
Conflict = Annotated[OnConflict, typer.Option(help="One image with two labels: stop, or drop it.")]
SharedSlides = Annotated[
    bool, typer.Option("--allow-shared-slides", help="Train on unlabelled cells of slides that have labelled ones.")
]
Networks = Annotated[str, typer.Option(help="Networks to train, separated by commas.")]
RotationWeights = Annotated[str, typer.Option(help="Weights of the rotation loss, separated by commas.")]
Folds = Annotated[int | None, typer.Option(min=3, help="Folds of the unlabelled cells; 6 by default.")]
FoldNumber = Annotated[int, typer.Option("--fold", min=1, help="The fold that is kept for testing.")]
Preset = Annotated[PresetName, typer.Option(help="quick: 64 px, minutes on two cores; paper: 256 px, a GPU.")]
Seed = Annotated[int, typer.Option(min=0, help="The one seed of everything random.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.NAME=VALUE", help="Change one setting; may be repeated.")
]


def names(text: str) -> list[str]:
    """What stands between the commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def weights(text: str) -> list[float]:
    """Weights of the rotation loss. Raises ``OrbicyteError`` for what is none."""
    try:
        found = [float(name) for name in names(text)]
    except ValueError:
        raise OrbicyteError(f"--rotation-weights takes numbers separated by commas, got {text!r}") from None
    if not found or not all(0 <= weight < math.inf for weight in found):
        raise OrbicyteError(f"--rotation-weights takes numbers of 0 or more, got {text!r}")
    return found


def read_settings(preset: PresetName, seed: int, folds: int | None, assignments: list[str] | None) -> "Settings":
    """The preset with what was given. Raises ``OrbicyteError`` for what is no setting or value."""
    from orbicyte import presets

    given = [f"seed={seed}"] + ([] if folds is None else [f"folds={folds}"])
    return presets.preset(preset.value).changed([*given, *(assignments or [])])
