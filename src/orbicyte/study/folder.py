"""The study: one folder with all of a user's work. Its paths and its locks."""

import errno
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import Field, TypeAdapter

from orbicyte.errors import OrbicyteError
from orbicyte.study.files import describe_error, read_checked, temporary_of, write_json
from orbicyte.study.processes import first_process
from orbicyte.study.runs import RUN_FILE, RUNS

FORMAT = 1
STUDY_FILE = "study.json"
LOCK = ".lock"
MOMENT_S = 10.0
"""How long another process may hold the study's lock only to see whether it is free."""
REPORT_S = 600.0
"""How long to wait for other processes that write the report."""


class InUseError(OrbicyteError):
    """Another process is working on the study or the run."""


class StudyInUseError(InUseError):
    """Another process is working on the whole study."""


@dataclass(frozen=True)
class StudyRecord:
    """The content of ``study.json``; ``id`` is None for a study made before ids."""

    id: Annotated[str, Field(min_length=1, max_length=100)] | None = None


_RECORD = TypeAdapter(StudyRecord)


def is_study(path: Path) -> bool:
    """Whether ``path`` is the folder of a study."""
    return (path / STUDY_FILE).exists()


@dataclass(frozen=True)
class Study:
    """Paths in a study folder. Open one with ``Study.open`` or ``Study.create``."""

    path: Path

    @classmethod
    def create(cls, path: Path | str) -> "Study":
        """The study in ``path``, made if absent. Raises ``OrbicyteError`` if ``path`` contains something else."""
        path = Path(path)
        if is_study(path):
            return cls.open(path)
        own = {LOCK, temporary_of(path / STUDY_FILE).name}  # all that a process leaves which was killed here
        if path.exists() and not (path.is_dir() and {entry.name for entry in path.iterdir()} <= own):
            raise OrbicyteError(f"{path} is not an orbicyte study and not an empty folder: choose another --out")
        write_json(path / STUDY_FILE, {"format": FORMAT, "id": str(uuid.uuid4())})
        return cls(path)

    @classmethod
    @contextmanager
    def creating(cls, path: Path | str) -> Iterator["Study"]:
        """As ``create``, for the block; a new study is removed if the block raises before anything is stored in it."""
        path = Path(path)
        had_folder, is_new = path.exists(), not is_study(path)
        study = cls.create(path)
        try:
            yield study
        except BaseException:
            if is_new:
                study._remove_if_empty(with_folder=not had_folder)
            raise

    def _remove_if_empty(self, *, with_folder: bool) -> None:
        """Remove what ``create`` and ``lock`` made, if nothing else is there and no other process uses it."""
        with suppress(OSError, OrbicyteError), self.lock():
            if {entry.name for entry in self.path.iterdir()} <= {STUDY_FILE, LOCK}:
                (self.path / STUDY_FILE).unlink()
                (self.path / LOCK).unlink(missing_ok=True)
                if with_folder:
                    self.path.rmdir()

    @classmethod
    def open(cls, path: Path | str) -> "Study":
        """The study in ``path``. Raises ``OrbicyteError`` if it is not a study, or of a newer format."""
        path = Path(path)
        if not is_study(path):
            if not path.exists():
                raise OrbicyteError(f"{path} does not exist: expected the folder of a study")
            raise OrbicyteError(
                f"{path} is not an orbicyte study (no {STUDY_FILE}): make one from slides with 'orbicyte detect', or "
                "from patches with 'orbicyte import'"
            )
        _read(path / STUDY_FILE)
        return cls(path)

    @classmethod
    def of(cls, study: "Study | Path | str") -> "Study":
        """``study`` itself, or the one in that path."""
        return study if isinstance(study, Study) else cls.open(study)

    @property
    def id(self) -> str:
        """Unique id of the study, the same after it is moved; derived from the path for a study made before ids."""
        given = _read(self.path / STUDY_FILE).id
        return given or str(uuid.uuid5(uuid.NAMESPACE_URL, self.path.resolve().as_uri()))

    @property
    def slides(self) -> Path:
        """Folder with one folder per slide."""
        return self.path / "slides"

    @property
    def review(self) -> Path:
        """Folder of the decisions of readers."""
        return self.path / "review"

    @property
    def patches(self) -> Path:
        """The patch store."""
        return self.path / "patches"

    def run(self, run: Path | str) -> Path:
        """The folder of ``run``, a name or the path of a run folder of this study.

        Raises ``OrbicyteError`` for the path of another folder.
        """
        path, runs = Path(run), self._runs
        if len(path.parts) != 1 and path.absolute().parent.resolve() != runs.resolve():
            raise OrbicyteError(f"{run} is not a run of {self.path}: expected a name, or a folder in {runs}")
        return runs / path.absolute().name

    def runs(self) -> list[Path]:
        """The folders of all runs, sorted by name."""
        return sorted(file.parent for file in self._runs.glob(f"*/{RUN_FILE}"))

    @property
    def figures(self) -> Path:
        """The report's figures as SVG."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.path / "report.html"

    @property
    def comparisons(self) -> Path:
        """The table of all measures of networks that were trained several times, beside the report."""
        return self.path / "comparisons.csv"

    @property
    def audit(self) -> Path:
        """The page of the audit."""
        return self.path / "audit.html"

    @property
    def audit_tables(self) -> Path:
        """Folder of the audit's tables, as CSV."""
        return self.path / "audit"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the whole study for this process; the system releases the lock when the process ends for any reason.

        May be nested. The other processes of a distributed training rely on the first one's lock. Raises
        ``InUseError`` if another process holds it or works on a run, and ``OrbicyteError`` if it is read-only.
        """
        with self._held(self._study_lock, self.path):
            for lock in sorted(self._runs.glob(".*.lock")):
                with self._held(lock, self._runs / lock.name[1:].removesuffix(".lock")):
                    pass
            yield

    @contextmanager
    def lock_run(self, run: Path | str) -> Iterator[None]:
        """Lock ``run`` (see ``run``) only, so that several processes can work on several runs of one study.

        Otherwise as ``lock``. Raises ``InUseError`` if another process works on this run or locks the whole study.
        """
        folder = self.run(run)
        with self._held(folder.with_name(f".{folder.name}.lock"), folder):
            # A process that locks the study does so before it looks at the runs, so one of the two notices the other.
            self.check_free()
            yield

    def check_free(self) -> None:
        """Raise ``InUseError`` if another process locks the whole study for longer than a moment."""
        with self._held(self._study_lock, self.path, MOMENT_S):
            pass

    @contextmanager
    def lock_report(self) -> Iterator[None]:
        """Lock the report: of processes that end at the same time, one writes it after the other.

        Raises ``InUseError`` after ``REPORT_S``.
        """
        with self._held(self.path / f".{self.report.name}.lock", self.report, REPORT_S):
            yield

    @property
    def _study_lock(self) -> Path:
        return self.path / LOCK

    @property
    def _runs(self) -> Path:
        return self.path / RUNS

    @contextmanager
    def _held(self, lock_file: Path, place: Path, wait_s: float = 0) -> Iterator[None]:
        """Hold a lock for the block; ``place`` is what it locks, ``wait_s`` how long to wait for another process."""
        if not first_process():
            yield
            return
        try:
            lock_file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(lock_file.absolute(), is_singleton=True)
            lock.acquire(timeout=wait_s)
        except Timeout:
            text = f"another orbicyte process is working on {place}: wait until it ends"
            if place == self.path:
                raise StudyInUseError(f"{text}, or choose another --out") from None
            raise InUseError(text) from None
        except OSError as error:
            kind = "is read-only" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else "cannot be locked"
            raise OrbicyteError(
                f"{self.path} {kind}: {describe_error(error)}: copy the study to a folder where you can write"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _read(path: Path) -> StudyRecord:
    return read_checked(path, FORMAT, _RECORD)
