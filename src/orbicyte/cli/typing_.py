"""Typing cells: classify."""

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from orbicyte.cli.app import app, command


class ClassifyGroup(typer.core.TyperGroup):
    """``classify fit RUN`` is a command; ``classify STUDY`` and ``classify IMAGES ...`` are two without a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command in that was meant."""
        if args and args[0] not in {*self.commands, "--help"}:
            is_study = any((Path(word) / "study.json").exists() for word in args)
            args = ["study" if is_study else "images", *args]
        return super().parse_args(ctx, args)


classify_app = typer.Typer(
    cls=ClassifyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Type cells: 'classify STUDY', or 'classify fit RUN' first, then 'classify IMAGES --run RUN --out CSV'.",
)
app.add_typer(classify_app, name="classify")


@command(classify_app, "fit")
def classify_fit_command(
    run: Annotated[Path, typer.Argument(help="A run folder, STUDY/runs/NAME.")],
) -> None:
    """Fit the shallow classifier on all labelled cells of the run's study, and keep it in the run folder."""
    from orbicyte.stages.classify import classify_fit

    classify_fit(run)


@command(classify_app, "images")
def classify_command(
    images: Annotated[Path, typer.Argument(help="Folder of patches, or one patch.")],
    run: Annotated[Path, typer.Option(help="A run folder with a classifier.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    mpp: Annotated[float | None, typer.Option(min=0.001, help="µm per pixel of the patches, where known.")] = None,
) -> None:
    """Type cells: one row a cell with its type, the probability of each type, and whether it is unlike the training."""
    from orbicyte.stages.classify import classify

    classify(images, run=run, out=out, mpp=mpp)


@command(classify_app, "study")
def classify_study_command(
    study: Annotated[Path, typer.Argument(help="A study with trained networks and named cells.")],
    run: Annotated[str | None, typer.Option(help="The run that types; by default that with the highest F1.")] = None,
) -> None:
    """Type every cell of a study, the classifier fitted on the names there are -> STUDY/types.parquet."""
    from orbicyte.stages.types import classify_study

    typer.echo(str(classify_study(study, run)))
