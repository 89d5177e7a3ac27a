"""The plan of an experiment: its pieces, checked before anything is trained."""

from collections.abc import Sequence
from pathlib import Path

from orbicyte.classification.labelled import counted
from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.data.folds import check_fold, learning_rows, training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.settings import Settings
from orbicyte.stages.experiment.pieces import Piece
from orbicyte.study import Study
from orbicyte.study.runs import PRETRAINED, RunFolder, RunKey
from orbicyte.text import number_of
from orbicyte.training.networks import load_variant
from orbicyte.training.runs import each_network

FEW_CELLS = 500
"""Cells for learning below which a warning is printed."""


def plan(
    study: Study,
    networks: Sequence[str],
    rotation_weights: Sequence[float],
    folds: Sequence[int],
    seeds: int,
    settings: Settings,
    *,
    embeds: bool = False,
    again: bool = False,
    results: Path | None = None,
) -> list[Piece]:
    """The pieces, fold by fold: an experiment that is stopped has compared all networks on some folds.

    ``folds``: numbers from 1; ``seeds``: how many, from ``settings.seed``; ``embeds``, ``again``: see ``Piece``;
    ``results``: where results are kept. Raises ``OrbicyteError`` for whatever would make a piece fail: settings,
    networks, too few cells or groups for the folds and, unless ``again``, runs or kept results with other settings or
    patches.
    """
    pairs = each_network(networks, rotation_weights, settings)
    check_folds(folds, settings)
    if seeds < 1:
        raise OrbicyteError(f"--seeds: expected 1 or more, got {seeds}")
    store = PatchStore.open(study.patches)
    trains = any(network != PRETRAINED for network, _ in pairs)
    planned: dict[str, Piece] = {}
    for number in range(seeds):
        own = settings.model_copy(update={"seed": settings.seed + number})
        found = (_piece(study, pair, fold, own, embeds, again) for fold in folds for pair in pairs)
        planned |= {piece.name: piece for piece in found}
        _check_enough(store, own, folds, trains=trains)
    if trains:
        _warn_if_few(store)
    if not again:
        _check_conflicts(list(planned.values()), store, results)
    return list(planned.values())


def _warn_if_few(store: PatchStore) -> None:
    count = len(learning_rows(store))
    if count < FEW_CELLS:
        warn(
            f"networks learn from {number_of(count, 'cell')} only, so their representations will describe cells badly: "
            f"some thousands are needed, or --networks {PRETRAINED}, the shipped network"
        )


def check_folds(folds: Sequence[int], settings: Settings) -> None:
    """Raise ``OrbicyteError`` for a fold that does not exist."""
    for fold in folds:
        check_fold(fold, settings)


def _piece(study: Study, pair: tuple[str, float], fold: int, settings: Settings, embeds: bool, again: bool) -> Piece:
    network, weight = pair
    key = RunKey(network, load_variant(network, settings, weight).rotation_weight, settings.seed, fold)
    return Piece(study.path.absolute(), key, settings, embeds, again)


def _check_conflicts(planned: list[Piece], store: PatchStore, results: Path | None) -> None:
    """Raise ``OrbicyteError`` if runs of the study, or the results that are kept, have other settings or patches."""
    conflicts = [reason for piece in planned if (reason := piece.conflict(store))]
    if results:
        kept = (piece.conflict(store, RunFolder(results / piece.name)) for piece in planned)
        conflicts += [f"{reason}; or another --results" for reason in kept if reason]
    if conflicts:
        others = f" ({len(conflicts)} such runs)" if len(conflicts) > 1 else ""
        raise OrbicyteError(f"{conflicts[0]}{others}")


def _check_enough(store: PatchStore, settings: Settings, folds: Sequence[int], trains: bool) -> None:
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
        for fold in folds if trains else ():
            training_fold(store, settings, fold)
    except OrbicyteError as error:
        problems.append(str(error))
    if problems:
        raise OrbicyteError("; and ".join(problems))
    if cells.left_out:
        warn(
            f"types with too few labelled cells for {settings.evaluation.folds} folds of the test part are left out of "
            f"the measures of cell typing: {counted(cells.left_out)} in all; label more of them"
        )
