"""The pieces of an experiment: one training with its evaluation each, which is all that a worker needs to know."""

import platform
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from distributed import Worker, get_worker

from orbicyte.cluster import UnfitWorkerError, check_single, report
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import lines_to
from orbicyte.settings import Settings
from orbicyte.stages.embed import embed
from orbicyte.stages.evaluate import evaluate, is_evaluated
from orbicyte.stages.train import check_same, train
from orbicyte.study import Study, is_study
from orbicyte.study.failed_runs import RunFailure, write_failure
from orbicyte.study.files import discard
from orbicyte.study.folder import InUseError, StudyInUseError
from orbicyte.study.processes import as_single_process, first_process
from orbicyte.study.runs import PRETRAINED, RunFolder, RunKey


@dataclass(frozen=True)
class Piece:
    """One network at one weight on one fold with one seed.

    ``study``: absolute path; ``embeds``: whether embeddings are written too; ``again``: whether a run with other
    settings or data is deleted and trained again.
    """

    study: Path
    key: RunKey
    settings: Settings
    embeds: bool = False
    again: bool = False

    @property
    def name(self) -> str:
        """The name of the run folder."""
        return PRETRAINED if self.is_copied else self.key.folder_name

    @property
    def is_copied(self) -> bool:
        """Whether the network is the shipped one: nothing is trained, and the stages see what is done."""
        return self.key.network == PRETRAINED

    @property
    def run(self) -> RunFolder:
        """The run folder."""
        return RunFolder(Study(self.study).run(self.name))

    def is_done(self, fingerprint: str, results: Path | None = None) -> bool:
        """Whether ``run``, or the folder of that name in ``results``, has all files, of these settings and patches."""
        if self.is_copied:
            return False
        if results and self.is_kept(fingerprint, results):
            return True
        return is_complete(self.run, self.settings, fingerprint) and (not self.embeds or self.run.embeddings.exists())

    def is_trained(self) -> bool:
        """Whether ``run`` is trained, and is not to be trained again."""
        try:
            return self.run.done() and not (self.again and self.conflict(PatchStore.open(Study(self.study).patches)))
        except OrbicyteError:
            return False  # a damaged record

    def is_kept(self, fingerprint: str, results: Path) -> bool:
        """Whether the folder of that name in ``results`` is the result of this piece."""
        return is_complete(RunFolder(results / self.name), self.settings, fingerprint)

    def conflict(self, store: PatchStore, run: RunFolder | None = None) -> str | None:
        """Why ``run`` cannot be continued or kept: it has other settings, or patches than ``store``.

        None if it can, or is not begun. ``run``: by default the one of the study.
        """
        if self.is_copied:
            return None
        try:
            check_same(run or self.run, self.settings, store)
        except OrbicyteError as error:
            return str(error)
        return None


def is_complete(run: RunFolder, settings: Settings, fingerprint: str) -> bool:
    """Whether ``run`` is trained and evaluated with these settings, on the patches with that fingerprint."""
    try:
        check_same(run, settings, fingerprint)
        return run.done() and is_evaluated(run, settings.evaluation)
    except OrbicyteError:
        return False


@dataclass(frozen=True)
class Done:
    """The piece is complete."""


@dataclass(frozen=True)
class Busy:
    """Another process is working on the piece."""


Outcome = Done | Busy | RunFailure


class ConflictError(OrbicyteError):
    """The run has other settings or patches than the piece."""


def check_worker(worker: Worker, study: Path) -> None:
    """Raise ``UnfitWorkerError`` for a worker that does not see the study, or does several tasks at a time."""
    check_single(worker)
    if not is_study(study):
        raise UnfitWorkerError(
            f"{study} does not exist on {platform.node()}: all workers need the study at the same path"
        )


def do_piece(piece: Piece, topic: str) -> Outcome:
    """The task that a worker runs; its lines are reported. Does not raise for an error of one piece.

    Raises ``UnfitWorkerError`` for a worker that cannot do any.
    """
    check_worker(get_worker(), piece.study)
    with lines_to(lambda line: report(topic, {"piece": piece.name, "line": line.strip()})):
        return attempt(piece)


@as_single_process()
def attempt(piece: Piece) -> Outcome:
    """Train, evaluate and, if wanted, embed; what is done is kept, what was interrupted continues.

    Returns the failure instead of raising it, after writing it into the run folder.
    """
    try:
        complete(piece)
    except (StudyInUseError, ConflictError) as error:
        return RunFailure(str(error))  # not written: what is there belongs to another command
    except InUseError:
        return Busy()
    except OrbicyteError as error:
        return record_failure(piece, RunFailure(str(error)))
    except Exception as error:
        reason = f"{type(error).__name__}: {error} (a defect: please report it)"
        return record_failure(piece, RunFailure(reason, traceback.format_exc()))
    return Done()


def complete(piece: Piece, device: str | None = None) -> None:
    """As ``attempt``, on ``device``, but raises what went wrong.

    Raises ``InUseError`` if another process works on the piece, ``ConflictError`` if it has made a run with other
    settings or patches since the plan.
    """
    study = Study.open(piece.study)
    with study.lock_run(piece.name):
        if (conflict := piece.conflict(PatchStore.open(study.patches))) and first_process():
            if not piece.again:
                raise ConflictError(conflict)
            discard(piece.run.path)
        key = piece.key
        weight = 0.0 if key.rotation_weight is None else key.rotation_weight
        run = train(study, key.network, rotation_weight=weight, fold=key.fold, settings=piece.settings, device=device)
        if not first_process():
            return  # a process of a distributed training: it only trains
        if piece.embeds:
            embed(study, run, device)
        evaluate(study, run, piece.settings.evaluation, device=device)


def record_failure(piece: Piece, failure: RunFailure) -> RunFailure:
    """Write ``failure`` into the run folder, if that is possible, and return it."""
    with suppress(OrbicyteError):  # on a full disk it cannot be written either
        write_failure(piece.run.path, failure)
    return failure
