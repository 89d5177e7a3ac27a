"""From patches to the report, step by step: train, embed, evaluate, report, settings."""

import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command
from orbicyte.cli.layout import WIDEST
from orbicyte.cli.options import (
    ALL_WEIGHTS,
    DEFAULT_NETWORKS,
    Device,
    FoldNumber,
    Folds,
    Networks,
    Preset,
    PresetName,
    RotationWeights,
    RunsArgument,
    Seed,
    Set,
    StudyArgument,
    ValueRange,
    network_names,
    read_settings,
    value_range,
    weights,
)
from orbicyte.errors import OrbicyteError
from orbicyte.study import Study, is_study
from orbicyte.study.runs import PRETRAINED, RunFolder


@command(app, "train")
def train_command(
    study: StudyArgument,
    networks: Networks = DEFAULT_NETWORKS,
    rotation_weights: RotationWeights = ALL_WEIGHTS,
    folds: Folds = None,
    fold: FoldNumber = 1,
    preset: Preset = PresetName.quick,
    seed: Seed = 0,
    set_: Set = None,
    device: Device = None,
) -> None:
    """Train networks on one fold of the unlabelled patches; each has its run folder."""
    names, every_weight = network_names(networks), weights(rotation_weights)
    given = read_settings(preset, seed, folds, set_)
    from orbicyte.data.patches import PatchStore
    from orbicyte.progress import network
    from orbicyte.stages.experiment.feasible import feasible
    from orbicyte.stages.train import train
    from orbicyte.training.runs import each_network

    settings = feasible(PatchStore.open(Study.open(study).patches), given)
    pairs = each_network(names, every_weight, settings)
    for number, (name, weight) in enumerate(pairs, 1):
        with network(number, len(pairs)):
            train(study, name, rotation_weight=weight, fold=fold, settings=settings, device=device)


@command(app, "embed")
def embed_command(
    folder: Annotated[
        Path, typer.Argument(help="A study; or a folder of patches, or one patch.", callback=paths.existing)
    ],
    runs: RunsArgument = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help=f"For patches: a run folder. Without it, {PRETRAINED}, the shipped network.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="For patches: the .h5ad file to write.")] = None,
    mpp: Annotated[float | None, typer.Option(min=0.001, help="For patches: their µm per pixel, if known.")] = None,
    value_range_: ValueRange = None,
    device: Device = None,
) -> None:
    """Compute the representation of every cell, for scanpy.

    Of a study: embeddings.h5ad in each run folder. Of patches, with no training at all: the file given with --out.
    """
    if not is_study(folder):
        if out is None:
            raise OrbicyteError(f"{folder} is not a study: to embed the patches in it, add --out FILE.h5ad")
        if runs:
            raise OrbicyteError(f"{folder} is not a study and has no runs: name a run folder with --model")
        model = model or PRETRAINED
        RunFolder.of(model).record()
        from orbicyte.stages.embed_images import embed_images

        embed_images(folder, out=out, model=model, mpp=mpp, value_range=value_range(value_range_), device=device)
        return
    if (model, out, mpp, value_range_) != (None, None, None, None):
        raise OrbicyteError(
            f"{folder} is a study, which takes no --model, --out or --mpp, and no --value-range: name runs after it"
        )
    paths.require_runs(folder, runs or [])
    from orbicyte.stages.embed import embed
    from orbicyte.training.runs import trained_runs

    for run in runs or [found.path for found in trained_runs(folder)]:
        embed(folder, run, device)


@command(app, "evaluate")
def evaluate_command(study: StudyArgument, runs: RunsArgument = None, set_: Set = None, device: Device = None) -> None:
    """Evaluate trained networks and write the scores to each run folder.

    --set takes evaluation.NAME=VALUE.
    """
    paths.require_runs(study, runs or [])
    from orbicyte.stages.evaluate import evaluate
    from orbicyte.training.runs import trained_runs

    for run in runs or [folder.path for folder in trained_runs(study)]:
        settings = RunFolder(Study.open(study).run(run)).record().settings
        evaluate(study, run, settings.changed(set_ or []).evaluation, device=device)


@command(app, "report")
def report_command(study: StudyArgument) -> None:
    """Write report.html and its figures from the scores of all runs."""
    from orbicyte.stages.report import report

    typer.echo(str(report(study)))


@command(app, "settings")
def settings_command(
    word: Annotated[str, typer.Argument(help="Only settings whose names contain this word.")] = "",
    preset: Preset = PresetName.quick,
) -> None:
    """List the settings that --set changes, with type, default and reason."""
    from orbicyte.setting_list import described

    found = described(read_settings(preset, 0, None, None), word)
    if not found:
        raise OrbicyteError(f"no setting has {word!r} in its name: 'orbicyte settings' lists all")
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for setting in found:
        typer.echo(f"{setting.name}={setting.value}  ({setting.type})")
        typer.echo(textwrap.fill(setting.reason, width, initial_indent="    ", subsequent_indent="    "))
