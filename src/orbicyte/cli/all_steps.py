"""From slides or patches to the report with one command: demo, run, experiment."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command
from orbicyte.cli.options import (
    ALL_WEIGHTS,
    DEFAULT_NETWORKS,
    FOLDS,
    PAPER,
    PLACE,
    Conflict,
    Device,
    Encoding,
    FileColumn,
    FoldNumber,
    Folds,
    LabelColumn,
    LabelLevel,
    Labels,
    MaxCells,
    Networks,
    OnConflict,
    PatchPx,
    Preset,
    PresetName,
    RotationWeights,
    Seed,
    Set,
    SharedSlides,
    StudyArgument,
    Unlabelled,
    ValueRange,
    ViewPx,
    network_names,
    read_settings,
    value_range,
    weights,
)
from orbicyte.errors import OrbicyteError
from orbicyte.study import is_study


@command(app, "demo")
def demo_command(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the slides and the study. Without it, demo, or demo-paper."),
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Train the paper's four networks on the cells: takes minutes.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Run all steps on synthetic slides, with the shipped network: needs no files, takes about a minute."""
    from orbicyte.stages.demo import demo

    demo(out, paper=paper, seed=seed)


@command(app, "run")
def run_command(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A study with reviewed slides, or a folder of patches, each with one cell in the centre.",
            callback=paths.existing,
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the study, if FOLDER contains patches.")] = None,
    labels: Labels = None,
    unlabelled: Unlabelled = None,
    networks: Networks = DEFAULT_NETWORKS,
    rotation_weights: RotationWeights = ALL_WEIGHTS,
    folds: Folds = None,
    fold: FoldNumber = 1,
    preset: Preset = PresetName.quick,
    max_cells: MaxCells = None,
    seed: Seed = 0,
    set_: Set = None,
    file_column: FileColumn = None,
    label_column: LabelColumn = None,
    patch_px: PatchPx = None,
    view_px: ViewPx = None,
    on_conflict: Conflict = OnConflict.error,
    allow_shared_slides: SharedSlides = False,
    value_range_: ValueRange = None,
    label_level: LabelLevel = None,
    encoding: Encoding = None,
    device: Device = None,
) -> None:
    """Run all steps from a study or patches to the report: cut or import, train, embed, evaluate, report."""
    if out is None and not is_study(folder):
        raise OrbicyteError(
            f"{folder} is not a study: for a folder of patches, give the folder of the new study with --out STUDY; for "
            "slides, run 'orbicyte detect' first"
        )
    names, every_weight = network_names(networks), weights(rotation_weights)
    settings = read_settings(preset, seed, folds, set_)
    from orbicyte.stages.run import run

    run(
        folder,
        out,
        networks=names,
        rotation_weights=every_weight,
        fold=fold,
        settings=settings,
        labels=labels,
        unlabelled=unlabelled,
        file_column=file_column,
        label_column=label_column,
        max_cells=max_cells,
        patch_px=patch_px,
        view_px=view_px,
        on_conflict=on_conflict.value,
        allow_shared_slides=allow_shared_slides,
        value_range=value_range(value_range_),
        label_level=label_level,
        encoding=encoding,
        device=device,
    )


@command(app, "experiment")
def experiment_command(
    study: StudyArgument,
    networks: Networks = PAPER,
    rotation_weights: RotationWeights = ALL_WEIGHTS,
    folds: Folds = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, counted from --seed.", rich_help_panel=FOLDS)] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Trainings at the same time on this machine. Without it, one per GPU, else one per core.",
            rich_help_panel=PLACE,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A Dask scheduler, whose workers do the work.", rich_help_panel=PLACE),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results without weights; what is there is done, wherever it was made.",
            rich_help_panel=PLACE,
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Train again what was trained with other settings or patches.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print trainings, time and disk, and train nothing.")
    ] = False,
    preset: Preset = PresetName.quick,
    seed: Seed = 0,
    set_: Set = None,
) -> None:
    """Compare networks over all folds, with intervals: the paper's experiment.

    Start the same command several times, on one machine or on several with a common folder, to share the work. Exit
    code 1 if a training failed.
    """
    names, every_weight = network_names(networks), weights(rotation_weights)
    settings = read_settings(preset, seed, folds, set_)
    from orbicyte.stages.experiment import experiment

    ended = experiment(
        study,
        networks=names,
        rotation_weights=every_weight,
        seeds=seeds,
        settings=settings,
        workers=workers,
        scheduler=scheduler,
        results=results,
        again=again,
        dry_run=dry_run,
    )
    if ended.failed:
        raise typer.Exit(1)
