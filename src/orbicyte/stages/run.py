"""run: from a folder of patches, or a study with slides, to the report, each stage in turn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orbicyte.data.duplicates import OnConflict
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import say, warn
from orbicyte.review.classes import OTHER
from orbicyte.settings import Settings
from orbicyte.stages.cut import cells_that_count, cut, has_slides, last_options
from orbicyte.stages.embed import embed
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.named import check_evaluable, counted
from orbicyte.stages.report import report
from orbicyte.stages.train import check_fold, train, training_fold
from orbicyte.study import Study, first_process
from orbicyte.training.run_folder import RunFolder, load_variant

NETWORKS = ("baseline", "only_stn", "inv_hnet", "equ_hnet")
ROTATION_WEIGHTS = (0.2, 0.5, 0.9)


def run(
    folder: Study | Path | str,
    out: Path | str | None = None,
    *,
    labels: Path | str | None = None,
    unlabelled: Path | str | None = None,
    networks: Sequence[str] = NETWORKS,
    rotation_weights: Sequence[float] = ROTATION_WEIGHTS,
    fold: int = 1,
    settings: Settings | None = None,
    file_column: str | None = None,
    label_column: str | None = None,
    max_cells: int | None = None,
    patch_px: int | None = None,
    field_px: int | None = None,
    on_conflict: OnConflict = "error",
    allow_shared_slides: bool = False,
) -> Path:
    """Train, embed and evaluate every network at every weight, and return the report.

    Without ``out``, ``folder`` is a study: its patches are cut from its slides first, with named cells as the labelled
    ones. With it, ``folder`` is imported into the study ``out``; then the arguments from ``labels`` on are
    ``import_``'s. Networks without a rotation loss are trained once; ``settings.seed`` is the one seed. What is done
    is not done again; what was cut off goes on. Raises ``OrbicyteError`` for anything wrong with the input: also,
    before any training, for a study without names and labels that cannot be evaluated afterwards.
    """
    settings = settings or Settings()
    pairs = each_network(networks, rotation_weights, settings)
    check_fold(fold, settings)
    given: dict[str, Any] = {
        "labels": labels,
        "unlabelled": unlabelled,
        "file_column": file_column,
        "label_column": label_column,
        "max_cells": max_cells,
        "patch_px": patch_px,
        "field_px": field_px,
    }
    study = _with_patches(folder, given) if out is None else Study.create(out)
    with study.lock():
        if out is None and first_process():
            _cut(study, allow_shared_slides)
        elif first_process():
            more: dict[str, Any] = {"on_conflict": on_conflict, "allow_shared_slides": allow_shared_slides}
            import_(_path(folder), study, seed=settings.seed, **given, **more)
        _check_enough(PatchStore.open(study.patches), settings, fold)
        runs = [train(study, name, rotation_weight=w, fold=fold, settings=settings) for name, w in pairs]
        if not first_process():
            return study.report
        for run_folder in runs:
            embed(study, run_folder.name)
            evaluate(study, run_folder.name, settings.evaluation)
        page = report(study)
    say(f"report: {page}")
    return page


def _path(folder: Study | Path | str) -> Path | str:
    return folder.path if isinstance(folder, Study) else folder


def _with_patches(folder: Study | Path | str, given: dict[str, Any]) -> Study:
    """The study in ``folder``. Raises ``OrbicyteError`` if it is none, or options for patches are ``given``."""
    if not (Path(_path(folder)) / "study.json").exists():
        raise OrbicyteError(f"{folder} is not a study: for a folder of patches say where results go, with --out STUDY")
    wrong = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if wrong:
        raise OrbicyteError(f"{', '.join(wrong)}: for folders of patches; patches of a study are cut ('orbicyte cut')")
    return Study.of(folder)


def _cut(study: Study, allow_shared_slides: bool) -> None:
    """Bring the patches of a study with slides up to date. Raises ``OrbicyteError`` where no cell has a name."""
    if not has_slides(study):
        PatchStore.open(study.patches)
        return
    names = cells_that_count(study, last_options(study))["label"].dropna()
    if (names == OTHER).all() or not len(cut(study, allow_shared_slides=allow_shared_slides or None).labelled):
        raise OrbicyteError(
            f"no cell in {study.path} has a name yet, so that none can be typed: name some with 'orbicyte review "
            f"{study.path}', or learn representations alone with 'orbicyte cut {study.path}' and 'orbicyte train'"
        )


def _check_enough(store: PatchStore, settings: Settings, fold: int) -> None:
    """Raise ``OrbicyteError`` with all that is too few, to train on as well as to evaluate, in one line."""
    lacks = []
    try:
        rare = check_evaluable(store, settings.evaluation, settings.seed).left_out
    except OrbicyteError as error:
        lacks.append(str(error))
    try:
        training_fold(store, settings, fold)
    except OrbicyteError as error:
        lacks.append(str(error))
    if lacks:
        raise OrbicyteError("; and ".join(lacks))
    if rare:
        warn(
            f"types with too few labelled cells for {settings.evaluation.folds} folds are left out of the measures of "
            f"typing: {counted(rare)}; label more of them"
        )


def each_network(networks: Sequence[str], weights: Sequence[float], settings: Settings) -> list[tuple[str, float]]:
    """Networks with each of their weights, in the order asked for.

    Loads every plug-in, so that a wrong name stops here: ``OrbicyteError``.
    """
    if not networks or not weights:
        raise OrbicyteError(f"name at least one network and one weight, got {list(networks)} and {list(weights)}")
    pairs = []
    for name in networks:
        has_weight = load_variant(name, settings, weights[0]).rotation_weight is not None
        pairs += [(name, weight) for weight in (weights if has_weight else weights[:1])]
    return pairs


def trained_runs(study: Study | Path | str) -> list[str]:
    """Names of all runs whose training has ended; tells of the others. Raises ``OrbicyteError`` if there is none."""
    study = Study.of(study)
    done = {folder.name: RunFolder(folder).done() for folder in study.runs()}
    if not any(done.values()):
        raise OrbicyteError(f"no trained networks in {study.path}: run 'orbicyte train' first")
    for name in (name for name, is_done in done.items() if not is_done):
        warn(f"{name} is left out: its training has not ended; run 'orbicyte train' again, it goes on")
    return [name for name, is_done in done.items() if is_done]
