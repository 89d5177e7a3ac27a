"""Cell types: classify, count."""

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from orbicyte.cli.app import app, command, group
from orbicyte.cli.options import RunArgument, StudyWithSlides, ValueRange, value_range
from orbicyte.study import is_study
from orbicyte.study.runs import PRETRAINED


class ClassifyGroup(typer.core.TyperGroup):
    """``classify fit RUN``, and ``classify STUDY`` and ``classify IMAGES ...`` without the name of a subcommand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the name of the subcommand: ``study`` if an argument is a study, else ``images``."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["study" if any(is_study(Path(word)) for word in args) else "images", *args]
        return super().parse_args(ctx, args)


classify_app = group(
    "classify",
    "Predict cell types: 'classify STUDY', or 'classify IMAGES --out CSV'; 'classify fit RUN' for your own classifier.",
    __name__,
    ClassifyGroup,
)


STAIN_COPIES = "Copies of each cell with another stain to fit on too, for cells of other laboratories."
Restandardise = Annotated[
    bool,
    typer.Option(
        "--restandardise",
        help="For another stain or scanner: first shift and scale the representations of all cells to the mean and "
        "spread of the cells that the classifier was fitted on. Harmful where the mixture of types is another.",
    ),
]


@command(classify_app, "fit")
def classify_fit_command(
    run: RunArgument,
    stain_copies: Annotated[int, typer.Option(min=0, max=10, help=STAIN_COPIES)] = 0,
) -> None:
    """Fit the shallow classifier on all labelled cells of the run's study, and store it in the run folder."""
    from orbicyte.stages.classify_fit import classify_fit

    classify_fit(run, stain_copies=stain_copies)


@command(classify_app, "images")
def classify_command(
    images: Annotated[Path, typer.Argument(help="Folder of patches, or one patch.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    run: Annotated[str, typer.Option(help="A run folder with a classifier (see 'classify fit').")] = PRETRAINED,
    mpp: Annotated[float | None, typer.Option(min=0.001, help="µm per pixel of the patches, if known.")] = None,
    restandardise: Restandardise = False,
    value_range_: ValueRange = None,
) -> None:
    """Predict the types of the cells in a folder of patches.

    One row per cell: its type, the probability of each type, and whether the cell is out of distribution.
    """
    from orbicyte.stages.classify import classify

    classify(images, run=run, out=out, mpp=mpp, restandardise=restandardise, value_range=value_range(value_range_))


@command(classify_app, "study")
def classify_study_command(
    study: Annotated[Path, typer.Argument(help="A study with cells.")],
    run: Annotated[
        str | None,
        typer.Option(
            help="The run folder of the network to use, or 'pretrained' for the shipped one.",
            show_default="the run with the highest F1, or pretrained if none is trained",
        ),
    ] = None,
    restandardise: Restandardise = False,
    stain_copies: Annotated[
        int | None, typer.Option(min=0, max=10, help=STAIN_COPIES, show_default="as many as at the last fit")
    ] = None,
) -> None:
    """Predict the type of every cell of a study: STUDY/types.parquet.

    A classifier is fitted on the current labels first. With the shipped network and too few labels, the shipped
    classifier is used.
    """
    from orbicyte.stages.classify_study import classify_study

    typer.echo(f"types: {classify_study(study, run, restandardise=restandardise, stain_copies=stain_copies)}")


@command(app, "count")
def count_command(
    study: StudyWithSlides,
    run: Annotated[
        str | None,
        typer.Option(
            help="The run folder of the network whose classifier predicts types, or 'pretrained'.",
            show_default="that of the last 'orbicyte classify STUDY'",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write, one row per slide and type.")] = None,
) -> None:
    """Differential count of each slide: per cent of each type, with 95 % intervals.

    The percentages are corrected for the errors of the classifier; the intervals include their uncertainty. A study
    without any label or type is classified first.
    """
    from orbicyte.stages.count import as_text, count

    typer.echo(as_text(count(study, run=run, out=out)))
