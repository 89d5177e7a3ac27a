"""run: from a folder of patches, or a study with slides, to the report, one stage after the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orbicyte.classification.labelled import counted
from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.data.duplicates import OnConflict
from orbicyte.data.folds import check_fold, training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.presets import RECOMMENDED, ROTATION_WEIGHTS
from orbicyte.progress import print_line, warn
from orbicyte.settings import Settings
from orbicyte.stages.cut import cut
from orbicyte.stages.embed import embed
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.report import report
from orbicyte.stages.train import train
from orbicyte.study import Study, is_study
from orbicyte.study.processes import first_process
from orbicyte.study.runs import PRETRAINED
from orbicyte.study.slides import has_slides
from orbicyte.training.runs import each_network


def run(
    folder: Study | Path | str,
    out: Path | str | None = None,
    *,
    labels: Path | str | None = None,
    unlabelled: Path | str | None = None,
    networks: Sequence[str] = RECOMMENDED,
    rotation_weights: Sequence[float] = ROTATION_WEIGHTS,
    fold: int = 1,
    settings: Settings | None = None,
    file_column: str | None = None,
    label_column: str | None = None,
    max_cells: int | None = None,
    patch_px: int | None = None,
    view_px: int | None = None,
    on_conflict: OnConflict = "error",
    allow_shared_slides: bool = False,
) -> Path:
    """Train, embed and evaluate every network at every weight, and return the report.

    Without ``out``, ``folder`` is a study: its patches are cut from its slides first. With it, ``folder`` is imported
    into the study ``out``; then ``labels``, ``unlabelled`` and the arguments from ``file_column`` on are those of
    ``import_``. Networks without a rotation loss are trained once; ``settings.seed`` is the only seed. Finished steps
    are not repeated; interrupted ones continue. Raises ``OrbicyteError`` for anything wrong with the input and, before
    any training, for too few cells to train on or to evaluate on.
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
        "view_px": view_px,
    }
    study = _with_patches(folder, given) if out is None else Study.create(out)
    with study.lock():
        if out is None and first_process():
            _cut(study, allow_shared_slides)
        elif first_process():
            more: dict[str, Any] = {"on_conflict": on_conflict, "allow_shared_slides": allow_shared_slides}
            import_(_path(folder), study, seed=settings.seed, **given, **more)
        trains = any(name != PRETRAINED for name in networks)
        _check_enough(PatchStore.open(study.patches), settings, fold, trains)
        runs = [train(study, name, rotation_weight=w, fold=fold, settings=settings) for name, w in pairs]
        if not first_process():
            return study.report
        for trained in runs:
            embed(study, trained)
            evaluate(study, trained, settings.evaluation)
        page = report(study)
    print_line(f"report: {page}")
    return page


def _path(folder: Study | Path | str) -> Path | str:
    return folder.path if isinstance(folder, Study) else folder


def _with_patches(folder: Study | Path | str, given: dict[str, Any]) -> Study:
    """The study in ``folder``. Raises ``OrbicyteError`` if it is not one, or options for patches are ``given``."""
    if not Path(_path(folder)).exists():
        raise OrbicyteError(f"{folder} does not exist: expected a study, or a folder of patches with --out STUDY")
    if not is_study(Path(_path(folder))):
        raise OrbicyteError(
            f"{folder} is not a study: for a folder of patches, give the folder of the new study with --out STUDY; for "
            "slides, run 'orbicyte detect' first"
        )
    wrong = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if wrong:
        raise OrbicyteError(
            f"{', '.join(wrong)}: only for folders of patches; the patches of a study are made by 'orbicyte cut'"
        )
    return Study.of(folder)


def _cut(study: Study, allow_shared_slides: bool) -> None:
    """Update the patches of a study with slides. Raises ``OrbicyteError`` if no cell has a label."""
    if has_slides(study):
        cut(study, allow_shared_slides=allow_shared_slides or None, need_labels=True)
    else:
        PatchStore.open(study.patches)


def _check_enough(store: PatchStore, settings: Settings, fold: int, trains: bool) -> None:
    """Raise ``OrbicyteError`` if there are too few cells to train or to evaluate on, with both reasons in one line.

    ``trains``: whether any network is trained.
    """
    problems = []
    cells = measured_cells(store, settings.evaluation, settings.seed)
    try:
        check_measurable(cells, settings.evaluation, settings.seed)
    except OrbicyteError as error:
        problems.append(str(error))
    try:
        if trains:
            training_fold(store, settings, fold)
    except OrbicyteError as error:
        problems.append(str(error))
    if problems:
        raise OrbicyteError("; and ".join(problems))
    if cells.left_out:
        warn(
            f"types with too few labelled cells for {settings.evaluation.folds} folds are left out of the measures of "
            f"cell typing: {counted(cells.left_out)}; label more of them"
        )
