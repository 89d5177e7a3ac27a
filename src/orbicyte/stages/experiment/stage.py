"""experiment: the paper's comparison of networks over folds (2.4), in pieces that any number of processes share."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from dask.system import CPU_COUNT

from orbicyte.cluster import Cluster, Lost, gpu_count, local_cluster, remote_cluster
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.presets import PAPER_NETWORKS, ROTATION_WEIGHTS
from orbicyte.progress import print_line, warn
from orbicyte.settings import Settings
from orbicyte.stages.experiment.board import Board
from orbicyte.stages.experiment.expected import expected, sum_up
from orbicyte.stages.experiment.feasible import feasible
from orbicyte.stages.experiment.pieces import (
    Busy,
    Outcome,
    Piece,
    check_worker,
    do_piece,
    is_complete,
    record_failure,
)
from orbicyte.stages.experiment.plan import plan
from orbicyte.stages.experiment.results import keep_result, kept_results
from orbicyte.stages.report import report
from orbicyte.study import Study
from orbicyte.study.failed_runs import RunFailure, forget_failure
from orbicyte.study.files import check_writable
from orbicyte.study.folder import InUseError
from orbicyte.study.processes import as_single_process
from orbicyte.study.runs import PRETRAINED, RUN_FILE, RunFolder
from orbicyte.text import examples_of, number_of

MEMORY_PER_WORKER = 2 * 2**30
"""Bytes that a training with the preset quick needs at most; fewer workers are started where there is less memory."""


@dataclass(frozen=True)
class ExperimentState:
    """What ``experiment`` leaves.

    ``done``: names of the runs that are complete; ``failed``: the reason by name of the run; ``busy``: runs on which
    other processes work; ``report``: its page, None where nothing was evaluated yet.
    """

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    report: Path | None = None


@as_single_process()
def experiment(
    study: Study | Path | str,
    *,
    networks: Sequence[str] = PAPER_NETWORKS,
    rotation_weights: Sequence[float] = ROTATION_WEIGHTS,
    folds: Sequence[int] | None = None,
    seeds: int = 1,
    settings: Settings | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    results: Path | str | None = None,
    again: bool = False,
    dry_run: bool = False,
) -> ExperimentState:
    """Train and evaluate every network at every weight on every fold, and write the report (paper 2.4, Figs. 3 to 5).

    Networks without a rotation loss are trained once per fold. ``folds``: numbers from 1, by default all of
    ``settings.folds``, of which there are fewer, with a warning, where the default is too many; ``seeds``: number of
    seeds, from ``settings.seed``. ``workers``: processes of this machine, each with one training at a time (default:
    one per GPU, else per core); ``scheduler``: address of a Dask scheduler, whose workers are used instead. A script
    that calls this needs ``if __name__ == "__main__":``. ``dry_run``: only print the plan.

    A piece of the experiment is one training with its evaluation. What its files show to be done with these settings
    and patches is not done again; an interrupted training continues. Several processes, also of several machines with a
    common folder, may work on one study: each takes what is free. ``results``: a folder to which each finished piece is
    copied without its weights; a piece that is found there is done. ``again``: train again what was trained with other
    settings or patches, and replace results of others that are kept.

    A piece that fails does not affect others: see ``failed``, also written to ``failed.json`` in its run folder. Raises
    ``OrbicyteError`` if nothing can be done: a wrong setting, too few cells, no scheduler, a study that is in use.
    """
    study, settings = Study.of(study), settings or Settings()
    study.check_free()
    folder = None if results is None else Path(results)
    if folder and not dry_run:
        check_writable(folder / RUN_FILE)
    _check_single(settings)
    store = PatchStore.open(study.patches)
    settings = feasible(store, settings, seeds=seeds, trains=set(networks) != {PRETRAINED})
    numbers = folds or range(1, settings.folds + 1)
    planned = plan(study, networks, rotation_weights, numbers, seeds, settings, again=again, results=folder)
    done = [piece for piece in planned if piece.is_done(store.fingerprint, folder)]
    state = ExperimentState([piece.name for piece in done])
    for piece in done if not dry_run else []:
        forget_failure(piece.run.path)  # of an earlier attempt
        _keep(piece, state, folder, store.fingerprint)
    to_do = [piece for piece in planned if piece not in done]
    if others := [piece.name for piece in to_do if again and piece.conflict(store)]:
        number = number_of(len(others), "run")
        print_line(f"--again: {number} of other settings or patches will be deleted: {examples_of(others)}")
    if not to_do and dry_run:
        print_line(f"{len(done)} of {len(planned)} runs are done: nothing to do")
    if to_do:
        check = partial(check_worker, study=study.path.absolute())
        with remote_cluster(scheduler, len(to_do), check) if scheduler is not None else nullcontext() as remote:
            # Not by what is left: trainings that were interrupted continue with the same number of threads.
            at_once = max(1, remote.workers) if remote else _workers(len(planned), workers, settings)
            count, threads = min(at_once, len(to_do)), max(1, CPU_COUNT // at_once)
            print_line(f"{len(done)} of {len(planned)} runs are done; measuring a few steps of each network")
            needed = expected(store, to_do, threads)
            print_line(sum_up(to_do, needed, count))
            if not dry_run:
                board = Board(to_do, len(done), needed, count)
                with nullcontext(remote) if remote else local_cluster(count, _gpus(settings), threads) as cluster:
                    _work(cluster, to_do, board, state, folder, store.fingerprint)
    return state if dry_run else _finished(study, planned, state, folder, settings, store.fingerprint)


def _check_single(settings: Settings) -> None:
    """Raise ``OrbicyteError`` if each training is to use several devices or machines."""
    for name in ("devices", "num_nodes"):
        if (number := getattr(settings.training, name)) != 1:
            raise OrbicyteError(
                f"--set training.{name}={number}: in an experiment each training has one device, and several run at "
                "the same time (--workers); one large training is 'orbicyte train'"
            )


def _workers(pieces: int, workers: int | None, settings: Settings) -> int:
    """How many trainings run at the same time: ``workers`` or, if not known, as many as there are GPUs or cores."""
    gpus = _gpus(settings)
    cores = min(CPU_COUNT, max(1, psutil.virtual_memory().total // MEMORY_PER_WORKER))
    return max(1, min(pieces, workers or gpus or cores))


def _gpus(settings: Settings) -> int:
    return gpu_count() if settings.training.accelerator in ("auto", "gpu", "cuda") else 0


def _work(
    cluster: Cluster, to_do: list[Piece], board: Board, state: ExperimentState, folder: Path | None, fingerprint: str
) -> None:
    """Do the pieces; those that another process is doing are tried again as long as that helps."""
    while to_do:
        busy = []
        for piece, ended in cluster.finished(do_piece, to_do, board.hear):
            if isinstance(ended, Busy):
                busy.append(piece)
            else:
                _take(piece, ended, board, state)
                if piece.name in state.done:
                    _keep(piece, state, folder, fingerprint)
        state.busy[:] = [piece.name for piece in busy]
        to_do = busy if len(busy) < len(to_do) else []


def _take(piece: Piece, ended: Outcome | Lost, board: Board, state: ExperimentState) -> None:
    if isinstance(ended, Lost):
        ended = record_failure(piece, RunFailure(ended.reason))  # the worker could not
    if isinstance(ended, RunFailure):
        state.failed[piece.name] = ended.reason
        board.ended(piece, f"failed: {ended.reason}", failed=True)
    else:
        state.done.append(piece.name)
        board.ended(piece, "done")


def _keep(piece: Piece, state: ExperimentState, folder: Path | None, fingerprint: str) -> None:
    """Copy the result of a finished piece, unless it is there or came from there; if that fails, the piece failed."""
    if folder is None or piece.is_kept(fingerprint, folder) or not piece.is_done(fingerprint):
        return
    try:
        with Study(piece.study).lock_run(piece.name):
            keep_result(piece.run, folder)
    except InUseError:
        pass  # another process looks at the run; at the end of the experiment it is tried again
    except OrbicyteError as error:
        state.done.remove(piece.name)
        state.failed[piece.name] = str(error)


def _finished(
    study: Study,
    planned: list[Piece],
    state: ExperimentState,
    folder: Path | None,
    settings: Settings,
    fingerprint: str,
) -> ExperimentState:
    """Keep what is not kept yet, write the report, and print what is not done."""
    for piece in planned:
        if piece.name in state.done:
            _keep(piece, state, folder, fingerprint)
    print_line(f"{len(state.done)} of {len(planned)} runs are done")
    if state.busy:
        print_line(f"other processes are working on {len(state.busy)}: the last one that ends writes the report")
    for name, reason in sorted(state.failed.items()):
        warn(f"{name} failed: {reason}")
    if not any(piece.name in state.done or piece.is_done(fingerprint) for piece in planned):
        return state
    elsewhere = _elsewhere(study, planned, folder, settings, fingerprint) if folder else []
    page = report(study, elsewhere)
    print_line(f"report: {page}")
    return ExperimentState(state.done, state.failed, state.busy, page)


def _elsewhere(
    study: Study, planned: list[Piece], folder: Path, settings: Settings, fingerprint: str
) -> list[RunFolder]:
    """The kept results that the study does not have itself, also of other networks, of these patches and settings.

    Warns of results of other settings or patches.
    """
    only_kept = {piece.name for piece in planned if not piece.is_done(fingerprint)}
    own = {run.name for run in map(RunFolder, study.runs()) if run.evaluation.exists()} - only_kept
    kept, others = list[RunFolder](), list[RunFolder]()
    for run in kept_results(folder):
        of_seed = settings.model_copy(update={"seed": run.record().seed})
        (kept if is_complete(run, of_seed, fingerprint) else others).append(run)
    if others:
        warn(
            f"{number_of(len(others), 'result')} in {folder} of other settings or patches, or damaged, not in the "
            f"report: {examples_of([run.name for run in others])}"
        )
    return [run for run in kept if run.name not in own]
