"""Cell types: classify, classify-fit, count, types rename."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command, group
from orbicyte.cli.options import Device, RunArgument, StudyArgument, StudyWithSlides, ValueRange, value_range
from orbicyte.errors import OrbicyteError
from orbicyte.study import is_study
from orbicyte.study.runs import PRETRAINED, RunFolder

STAIN_COPIES = "copies of each cell with another stain to fit on too, for cells of other laboratories."


@command(app, "classify")
def classify_command(
    folder: Annotated[
        Path, typer.Argument(help="A study; or a folder of patches, or one patch.", callback=paths.existing)
    ],
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help=f"The run folder of the network to use, or {PRETRAINED} for the shipped one. Without it, the run of "
            f"the study with the highest F1; {PRETRAINED} for patches, and if no run is trained or labels are few.",
        ),
    ] = None,
    restandardise: Annotated[
        bool,
        typer.Option(
            "--restandardise",
            help="For another stain or scanner: first shift and scale the representations of all cells to the mean and "
            "spread of the cells that the classifier was fitted on. Harmful where the mixture of types is another.",
        ),
    ] = False,
    stain_copies: Annotated[
        int | None,
        typer.Option(min=0, max=10, help=f"For a study: {STAIN_COPIES} Without it, as many as at the last fit."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="For patches: the CSV file to write.")] = None,
    mpp: Annotated[float | None, typer.Option(min=0.001, help="For patches: their µm per pixel, if known.")] = None,
    value_range_: ValueRange = None,
    device: Device = None,
) -> None:
    """Predict the type of every cell of a study, or of a folder of patches.

    Of a study: STUDY/types.parquet. A classifier is fitted on the current labels first; with the shipped network and
    too few labels, the shipped classifier is used. Of patches: the CSV file given with --out, with one row per cell:
    its type, the probability of each type, and whether the cell is out of distribution.
    """
    if is_study(folder):
        if (out, mpp, value_range_) != (None, None, None):
            raise OrbicyteError(f"{folder} is a study, which takes no --out, --mpp or --value-range: leave them out")
        _check_run(folder, run)
        from orbicyte.stages.classify_study import classify_study

        types = classify_study(folder, run, restandardise=restandardise, stain_copies=stain_copies, device=device)
        typer.echo(f"types: {types}")
        return
    if out is None:
        raise OrbicyteError(f"{folder} is not a study: to classify the patches in it, add --out FILE.csv")
    if stain_copies is not None:
        raise OrbicyteError("--stain-copies is for a study; for patches give it to 'orbicyte classify-fit'")
    RunFolder.of(run or PRETRAINED).record()
    from orbicyte.stages.classify import classify

    range_ = value_range(value_range_)
    classify(
        folder,
        run=run or PRETRAINED,
        out=out,
        mpp=mpp,
        restandardise=restandardise,
        value_range=range_,
        device=device,
    )
    typer.echo(f"types: {out}")


@command(app, "classify-fit")
def classify_fit_command(
    run: RunArgument,
    stain_copies: Annotated[int, typer.Option(min=0, max=10, help=STAIN_COPIES.capitalize())] = 0,
    device: Device = None,
) -> None:
    """Fit the classifier of a run on all labelled cells of its study, and store it in the run folder.

    'classify PATCHES --run RUN' uses it then. 'classify STUDY' needs no fit before.
    """
    from orbicyte.stages.classify_fit import classify_fit

    typer.echo(f"classifier: {classify_fit(run, stain_copies=stain_copies, device=device)}")


@command(app, "count")
def count_command(
    study: StudyWithSlides,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help=f"The run folder of the network whose classifier predicts types, or {PRETRAINED}. Without it, that of "
            "the last 'orbicyte classify STUDY'.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write, one row per slide and type.")] = None,
    device: Device = None,
) -> None:
    """Differential count of each slide: per cent of each type, with 95 % intervals.

    The percentages are corrected for the errors of the classifier; the intervals include their uncertainty. A study
    without any label or type is classified first.
    """
    _check_run(study, run)
    from orbicyte.stages.count import as_text, count

    table = count(study, run=run, out=out, device=device)
    typer.echo(as_text(table, shutil.get_terminal_size((100, 24)).columns))
    if out is not None:
        typer.echo(f"table: {out}")


def _check_run(study: Path, run: str | None) -> None:
    """Raise ``OrbicyteError`` if ``run`` is given, and neither a run of ``study`` nor the shipped network."""
    if run is not None and run != PRETRAINED:
        paths.require_runs(study, [run])


types_app = group("types", "Rename or merge cell types: 'types rename STUDY OLD NEW'.", __name__)


@command(types_app, "rename")
def types_rename_command(
    study: StudyArgument,
    old: Annotated[str, typer.Argument(help="The type to rename.")],
    new: Annotated[str, typer.Argument(help="Its new name; that of another type merges the two.")],
) -> None:
    """Rename a cell type, or merge it with another one, in the labels of all readers, or of imported patches.

    On slides, the log of decisions keeps both names, and a reader can undo it. Trained networks are kept.
    """
    from orbicyte.stages.rename_type import rename_type

    rename_type(study, old, new)
