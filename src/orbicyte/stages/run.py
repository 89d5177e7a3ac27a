"""run: from a folder of patches, or a study with slides, to the report: an experiment of one fold in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orbicyte.data.duplicates import OnConflict
from orbicyte.data.folds import check_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.presets import RECOMMENDED, ROTATION_WEIGHTS
from orbicyte.progress import network, print_line, warn
from orbicyte.settings import Settings
from orbicyte.stages.cut import cut
from orbicyte.stages.experiment.feasible import feasible
from orbicyte.stages.experiment.pieces import ConflictError, complete, record_failure
from orbicyte.stages.experiment.plan import plan
from orbicyte.stages.import_ import import_
from orbicyte.stages.report import report
from orbicyte.study import Study, is_study
from orbicyte.study.failed_runs import RunFailure
from orbicyte.study.folder import InUseError
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
    value_range: tuple[float, float] | None = None,
    label_level: int | None = None,
    encoding: str | None = None,
    device: str | None = None,
) -> Path:
    """Train, embed and evaluate every network at every weight, and return the report.

    Without ``out``, ``folder`` is a study: its patches are cut from its slides first. With it, ``folder`` is imported
    into the study ``out``; then ``labels``, ``unlabelled`` and the arguments from ``file_column`` on are those of
    ``import_``. Networks without a rotation loss are trained once; ``settings.seed`` is the only seed; ``device``: see
    ``train``. Finished steps are not repeated; interrupted ones continue. The default numbers of folds are
    reduced, with a warning, where there are fewer slides or cells. A network that fails does not affect others. Raises
    ``OrbicyteError`` for anything wrong with the input; before any training, for too few cells to train on or to
    evaluate on; and, after the report, if a network failed.
    """
    settings = settings or Settings()
    each_network(networks, rotation_weights, settings)
    check_fold(fold, settings)
    given: dict[str, Any] = {
        "labels": labels,
        "unlabelled": unlabelled,
        "file_column": file_column,
        "label_column": label_column,
        "max_cells": max_cells,
        "patch_px": patch_px,
        "view_px": view_px,
        "value_range": value_range,
        "label_level": label_level,
        "encoding": encoding,
    }
    if out is None:
        study = _with_patches(folder, given)
        if first_process():
            with study.lock():
                _cut(study, allow_shared_slides)
    else:
        if first_process():
            more: dict[str, Any] = {"on_conflict": on_conflict, "allow_shared_slides": allow_shared_slides}
            import_(_path(folder), out, seed=settings.seed, **given, **more)
        study = Study.open(out)
    failed = complete_networks(study, networks, rotation_weights, fold, settings, device)
    if not first_process():
        return study.report
    page = report(study)
    print_line(f"report: {page}")
    if failed:
        raise OrbicyteError("; ".join(f"{name} failed: {reason}" for name, reason in failed.items()))
    return page


def complete_networks(
    study: Study,
    networks: Sequence[str],
    rotation_weights: Sequence[float],
    fold: int,
    settings: Settings,
    device: str | None = None,
) -> dict[str, str]:
    """Train, embed and evaluate every network at every weight on the patches of ``study``: ``run`` without the report.

    The pieces are those of ``experiment``, but done in this process, one after the other: the processes of a
    distributed training each start this command, and Dask's workers could not be among them.

    Returns why networks failed, by the name of the run. Raises ``OrbicyteError`` as ``run``, and if all failed.
    """
    settings = feasible(PatchStore.open(study.patches), settings, trains=set(networks) != {PRETRAINED})
    pieces = plan(study, networks, rotation_weights, [fold], 1, settings, embeds=True)
    several = len(pieces) > 1 and settings.training.devices == settings.training.num_nodes == 1
    failed: dict[str, str] = {}
    for number, piece in enumerate(pieces, 1):
        with network(number, len(pieces)):
            try:
                complete(piece, device)
            except (InUseError, ConflictError):
                raise
            except OrbicyteError as error:
                failure = record_failure(piece, RunFailure(str(error)))
                # The processes of a distributed training do not know that another one failed.
                if not several or len(failed) == len(pieces) - 1:
                    raise
                failed[piece.name] = failure.reason
                warn(f"{piece.name} failed: {failure.reason}")
    return failed


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
