"""The command line: parse, call, print. Nothing heavy is imported before a command runs."""

import errno
import functools
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
import typer.core

from orbicyte.errors import OrbicyteError
from orbicyte.study import is_first_on_node, told

if TYPE_CHECKING:
    from orbicyte.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Representations of single cells that do not depend on how the cell happens to lie.",
)


class ClassifyGroup(typer.core.TyperGroup):
    """``classify fit RUN`` is a command; ``classify IMAGES --run RUN --out CSV`` is the other one, without a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the second command in where the first was not meant."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["images", *args]
        return super().parse_args(ctx, args)


classify_app = typer.Typer(
    cls=ClassifyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Type cells: 'classify fit RUN' first, then 'classify IMAGES --run RUN --out CSV'.",
)
app.add_typer(classify_app, name="classify")

export_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Trained networks for other programs: 'export onnx RUN'.",
)
app.add_typer(export_app, name="export")

P = ParamSpec("P")
T = TypeVar("T")


def command(parent: typer.Typer, name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Register a command: exit code 2 and one line for what a user can mend, 130 for Ctrl-C."""

    def register(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except OrbicyteError as error:
                raise _exit(str(error), 2) from None
            except OSError as error:
                if error.errno in (None, errno.EPIPE):
                    raise
                raise _exit(f"{error.filename or 'cannot write'}: {told(error)}", 2) from None
            except KeyboardInterrupt:
                raise _exit("interrupted: what is done is kept; the same command goes on from there", 130) from None

        return parent.command(name)(guarded)

    return register


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _weights(text: str) -> list[float]:
    try:
        weights = [float(name) for name in _names(text)]
    except ValueError:
        raise OrbicyteError(f"--rotation-weights takes numbers separated by commas, got {text!r}") from None
    if not weights or not all(0 <= weight < math.inf for weight in weights):
        raise OrbicyteError(f"--rotation-weights takes numbers of 0 or more, got {text!r}")
    return weights


def _settings(preset: "PresetName", seed: int, folds: int | None, assignments: list[str] | None) -> "Settings":
    from orbicyte import presets

    given = [f"seed={seed}"] + ([] if folds is None else [f"folds={folds}"])
    return presets.preset(preset.value).changed([*given, *(assignments or [])])


def _exit(message: str, code: int) -> typer.Exit:
    if is_first_on_node():
        typer.echo("orbicyte: " + " ".join(message.split()), err=True)
    return typer.Exit(code)


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


@command(app, "run")
def run_command(
    folder: Folder,
    out: Out,
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
    """From a folder of patches to the report: import, train, embed, evaluate, report."""
    from orbicyte.stages.run import run

    run(
        folder,
        out,
        networks=_names(networks),
        rotation_weights=_weights(rotation_weights),
        fold=fold,
        settings=_settings(preset, seed, folds, set_),
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

    settings = _settings(preset, seed, folds, set_)
    for network, weight in each_network(_names(networks), _weights(rotation_weights), settings):
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


@command(export_app, "onnx")
def export_onnx_command(
    run: Annotated[Path, typer.Argument(help="A run folder, STUDY/runs/NAME.")],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default encoder.onnx in the run folder.")
    ] = None,
) -> None:
    """The encoder of a run, with its pose, as one ONNX file: patches -> representations."""
    from orbicyte.stages.export import export_onnx

    typer.echo(str(export_onnx(run, out)))


def main() -> None:
    """Entry point."""
    app()
