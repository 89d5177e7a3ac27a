"""Fewer folds than the default where a study has too few slides or cells for it, with a warning."""

from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.data.folds import group_column, learning_rows
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.settings import EvaluationSettings, Settings
from orbicyte.study.needed import LEAST_FOLDS, LEAST_PROBE_FOLDS


def feasible(store: PatchStore, settings: Settings, *, seeds: int = 1, trains: bool = True) -> Settings:
    """``settings`` with as many folds, at most the default number, as ``store`` has slides or cells for.

    ``seeds``: how many, from that of the settings; ``trains``: whether networks are trained, which needs folds of the
    unlabelled cells. Warns of fewer folds. A number that is not the default was chosen by the user, and stays; so does
    one for which there is no way: the error follows.
    """
    default = Settings()
    if trains and settings.folds == default.folds:
        folds = _folds(store, default.folds)
        if folds < default.folds:
            warn(f"networks are trained in {folds} folds instead of {default.folds}: {_few(store)}")
            settings = settings.model_copy(update={"folds": folds})
    if settings.evaluation.folds == default.evaluation.folds:
        evaluation = _evaluation(store, settings, range(settings.seed, settings.seed + seeds))
        if evaluation.folds < default.evaluation.folds:
            warn(
                f"cell typing is measured in {evaluation.folds} folds instead of {default.evaluation.folds}: label "
                "cells of more slides or patients, and more cells of each type, for more reliable scores"
            )
            settings = settings.model_copy(update={"evaluation": evaluation})
    return settings


def _folds(store: PatchStore, most: int) -> int:
    """The number of folds of the cells that networks learn from; ``most`` where not even the fewest are possible."""
    rows = learning_rows(store)
    _, groups = group_column(store.cells.iloc[rows])
    found = len(rows) if groups is None else len(set(groups))
    return found if LEAST_FOLDS <= found < most else most


def _few(store: PatchStore) -> str:
    rows = learning_rows(store)
    kind, groups = group_column(store.cells.iloc[rows])
    found = len(rows) if groups is None else len(set(groups))
    without = "without labels " if len(store.unlabelled) else ""
    return f"the cells {without}are of {found} {kind}s; add some for more reliable scores"


def _evaluation(store: PatchStore, settings: Settings, seeds: range) -> EvaluationSettings:
    """With the most folds on which the labelled cells can be measured; as it is if there is none."""
    for folds in range(settings.evaluation.folds, LEAST_PROBE_FOLDS - 1, -1):
        fewer = settings.evaluation.model_copy(update={"folds": folds})
        try:
            for seed in seeds:
                check_measurable(measured_cells(store, fewer, seed), fewer, seed)
        except OrbicyteError:
            continue
        return fewer
    return settings.evaluation
