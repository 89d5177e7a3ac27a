"""The study: one folder that holds all a user's work, its format number, its lock, and how files get into it.

::

    STUDY/
      study.json              format number, id
      slides/<slide>/         slide.json, cells.parquet: found cells (see ``orbicyte.slides.registry``)
      review/events.sqlite    what people decided (see ``orbicyte.review.store``)
      patches/                the patch store (see ``orbicyte.data.patches``)
      runs/<run name>/        one trained network (see ``orbicyte.training.run_folder``)
        scores/               scores.parquet, arrays.npz
      types.parquet           types of all cells (see ``orbicyte.stages.types``)
      report.html, figures/
"""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from orbicyte.errors import OrbicyteError

FORMAT = 1
RUN_FORMAT = 1
"""Of a run folder, here so that the report can check it without a model."""


@dataclass(frozen=True)
class Study:
    """Paths in a study folder. Open one with ``Study.open`` or ``Study.create``."""

    path: Path

    @classmethod
    def create(cls, path: Path | str) -> "Study":
        """The study in ``path``, made if absent. Raises ``OrbicyteError`` if ``path`` holds something else."""
        path = Path(path)
        if (path / "study.json").exists():
            return cls.open(path)
        if path.is_file() or (path.is_dir() and any(entry.name != ".lock" for entry in path.iterdir())):
            raise OrbicyteError(f"{path} is not an orbicyte study and not an empty folder: choose another --out")
        write_json(path / "study.json", {"format": FORMAT, "id": str(uuid.uuid4())})
        return cls(path)

    @classmethod
    def open(cls, path: Path | str) -> "Study":
        """The study in ``path``. Raises ``OrbicyteError`` if it is none or of a newer format."""
        path = Path(path)
        if not (path / "study.json").exists():
            raise OrbicyteError(f"{path} is not an orbicyte study (no study.json): make one with 'orbicyte import'")
        check_format(path / "study.json", FORMAT)
        return cls(path)

    @classmethod
    def of(cls, study: "Study | Path | str") -> "Study":
        """``study`` itself, or the one in that path."""
        return study if isinstance(study, Study) else cls.open(study)

    @property
    def id(self) -> str:
        """What tells the study from all others, wherever it is moved; of one made before ids, what its path gives."""
        given = read_json(self.path / "study.json").get("id")
        return str(given or uuid.uuid5(uuid.NAMESPACE_URL, self.path.resolve().as_uri()))

    @property
    def slides(self) -> Path:
        """What is known of each slide, a folder a slide."""
        return self.path / "slides"

    @property
    def review(self) -> Path:
        """What people decided about the cells."""
        return self.path / "review"

    @property
    def patches(self) -> Path:
        """The patch store."""
        return self.path / "patches"

    def run(self, name: str) -> Path:
        """The folder of the run called ``name``."""
        return self.path / "runs" / name

    def runs(self) -> list[Path]:
        """The folders of all runs, sorted by name."""
        return sorted(folder.parent for folder in (self.path / "runs").glob("*/run.json"))

    def scores(self, name: str) -> Path:
        """The scores of the run called ``name``."""
        return self.run(name) / "scores"

    @property
    def figures(self) -> Path:
        """The report's figures as SVG."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.path / "report.html"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study for this process; the system lets go when the process ends, however it ends.

        May be nested. The further processes of a distributed training work under the first one's lock. Raises
        ``OrbicyteError`` if another process holds it, or it is read-only.
        """
        if not first_process():
            yield
            return
        lock = FileLock(self.path / ".lock", timeout=0, is_singleton=True)
        try:
            lock.acquire()
        except Timeout:
            raise OrbicyteError(
                f"another orbicyte process is working on {self.path}: wait for it, or give this one another --out"
            ) from None
        except OSError as error:
            kind = "is read-only" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else "cannot be locked"
            raise OrbicyteError(f"{self.path} {kind}: {told(error)}: copy the study to where you may write") from error
        try:
            yield
        finally:
            lock.release()


def first_process() -> bool:
    """False in the further processes of a distributed training, which take part in training alone."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def is_first_on_node() -> bool:
    """False in the processes of a distributed training that would only repeat what another says."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def check_format(path: Path, known: int) -> dict[str, Any]:
    """The JSON object in ``path``. Raises ``OrbicyteError`` if it is damaged or its format is newer than ``known``."""
    content = read_json(path)
    if not isinstance(content.get("format"), int):
        raise OrbicyteError(f"{path} has no format number: it was not written by orbicyte")
    if content["format"] > known:
        raise OrbicyteError(
            f"{path} has format {content['format']}, this orbicyte reads up to {known}: install a newer orbicyte"
        )
    return content


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises ``OrbicyteError`` if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OrbicyteError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise OrbicyteError(f"expected a JSON object in {path}, got {type(content).__name__}")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file or folder name beside ``path`` that takes its place when the block ends well.

    If the block raises, what was written is removed and ``path`` is as before. A folder takes the place of a
    folder only where that is empty or absent. Raises ``OrbicyteError`` when the disk is full.
    """
    temporary = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard(temporary)
        yield temporary
        if temporary.is_file():
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _clear(temporary)
        raise OrbicyteError(f"cannot write {path}: {told(error)}") from error
    except BaseException:
        _clear(temporary)
        raise


def told(error: OSError) -> str:
    """What the system has against it, and what to do about a full disk."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return reason + ("; make room and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "")


def _clear(temporary: Path) -> None:
    """Discard ``temporary`` as far as that goes: where nothing can be written, often nothing can be removed."""
    with suppress(OSError):
        discard(temporary)


def discard(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
