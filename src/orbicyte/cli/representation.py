"""From patches to the report: run, demo, import, train, embed, evaluate, report."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command
from orbicyte.cli.options import (
    Conflict,
    FieldPx,
    FileColumn,
    Folder,
    FoldNumber,
    Folds,
    LabelColumn,
    Labels,
    MaxCells,
    Networks,
    OnConflict,
    Out,
    PatchPx,
    Preset,
    PresetName,
    RotationWeights,
    RunsArgument,
    Seed,
    Set,
    SharedSlides,
    StudyArgument,
    Unlabelled,
    names,
    read_settings,
    weights,
)


@command(app, "run")
def run_command(
    folder: Annotated[
        Path,
        typer.Argument(help="A study with reviewed slides, or a folder of patches with one cell in the centre."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="The study's folder, where the argument is a folder of patches.")
    ] = None,
    labels: Labels = None,
    unlabelled: Unlabelled = None,
    networks: Networks = "baseline,only_stn,inv_hnet,equ_hnet",
    rotation_weights: RotationWeights = "0.2,0.5,0.9",
    folds: Folds = None,
    fold: FoldNumber = 1,
    preset: Preset = PresetName.quick,
    max_cells: MaxCells = None,
    seed: Seed = 0,
    set_: Set = None,
    file_column: FileColumn = None,
    label_column: LabelColumn = None,
    patch_px: PatchPx = None,
    field_px: FieldPx = None,
    on_conflict: Conflict = OnConflict.error,
    allow_shared_slides: SharedSlides = False,
) -> None:
    """From a study's slides, or a folder of patches, to the report: cut or import, train, embed, evaluate, report."""
    from orbicyte.stages.run import run

    run(
        folder,
        out,
        networks=names(networks),
        rotation_weights=weights(rotation_weights),
        fold=fold,
        settings=read_settings(preset, seed, folds, set_),
        labels=labels,
        unlabelled=unlabelled,
        file_column=file_column,
        label_column=label_column,
        max_cells=max_cells,
        patch_px=patch_px,
        field_px=field_px,
        on_conflict=on_conflict.value,
        allow_shared_slides=allow_shared_slides,
    )


@command(app, "demo")
def demo_command(out: Out = Path("demo"), seed: Seed = 0) -> None:
    """The whole way on drawn cells made on the spot: no files needed, minutes on two cores."""
    from orbicyte.stages.demo import demo

    demo(out, seed=seed)


@command(app, "import")
def import_command(
    folder: Folder,
    out: Out,
    labels: Labels = None,
    unlabelled: Unlabelled = None,
    max_cells: MaxCells = None,
    seed: Seed = 0,
    file_column: FileColumn = None,
    label_column: LabelColumn = None,
    patch_px: PatchPx = None,
    field_px: FieldPx = None,
    on_conflict: Conflict = OnConflict.error,
    allow_shared_slides: SharedSlides = False,
) -> None:
    """A folder of patches -> the study's patch store."""
    from orbicyte.stages.import_ import import_

    import_(
        folder,
        out,
        labels=labels,
        unlabelled=unlabelled,
        file_column=file_column,
        label_column=label_column,
        max_cells=max_cells,
        seed=seed,
        patch_px=patch_px,
        field_px=field_px,
        on_conflict=on_conflict.value,
        allow_shared_slides=allow_shared_slides,
    )


@command(app, "train")
def train_command(
    study: StudyArgument,
    networks: Networks = "baseline,only_stn,inv_hnet,equ_hnet",
    rotation_weights: RotationWeights = "0.2,0.5,0.9",
    folds: Folds = None,
    fold: FoldNumber = 1,
    preset: Preset = PresetName.quick,
    seed: Seed = 0,
    set_: Set = None,
) -> None:
    """Train networks on one fold of the unlabelled patches -> run folders."""
    from orbicyte.stages.run import each_network
    from orbicyte.stages.train import train

    settings = read_settings(preset, seed, folds, set_)
    for network, weight in each_network(names(networks), weights(rotation_weights), settings):
        train(study, network, rotation_weight=weight, fold=fold, settings=settings)


@command(app, "embed")
def embed_command(study: StudyArgument, runs: RunsArgument = None) -> None:
    """Embed every cell with trained runs -> embeddings.h5ad in each run folder."""
    from orbicyte.stages.embed import embed
    from orbicyte.stages.run import trained_runs

    for run in runs or trained_runs(study):
        embed(study, run)


@command(app, "evaluate")
def evaluate_command(study: StudyArgument, runs: RunsArgument = None, set_: Set = None) -> None:
    """Measure trained runs -> scores. --set takes evaluation.NAME=VALUE."""
    from orbicyte.stages.evaluate import evaluate
    from orbicyte.stages.run import trained_runs
    from orbicyte.training.run_folder import RunFolder

    for run in runs or trained_runs(study):
        settings = RunFolder(study / "runs" / run).settings()
        evaluate(study, run, settings.changed(set_ or []).evaluation)


@command(app, "report")
def report_command(study: StudyArgument) -> None:
    """Write report.html and its figures from the scores there are."""
    from orbicyte.stages.report import report

    typer.echo(str(report(study)))
