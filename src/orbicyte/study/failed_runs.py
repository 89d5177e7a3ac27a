"""Runs whose training or evaluation failed, and why: ``STUDY/runs/RUN/failed.json``, until they succeed."""

from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from orbicyte.study.files import discard, read_checked, write_json
from orbicyte.study.folder import Study

FORMAT = 1
FILE = "failed.json"


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed; with a traceback if the cause is a defect of orbicyte."""

    reason: str
    traceback: str | None = None


_FAILURE = TypeAdapter(RunFailure)


def write_failure(run: Path, failure: RunFailure) -> None:
    """Write it into the run folder ``run``, completely or not at all."""
    write_json(run / FILE, {"format": FORMAT, **asdict(failure)})


def forget_failure(run: Path) -> None:
    """Remove the failure of the run folder ``run``, if there is one."""
    discard(run / FILE)


def failed_runs(study: Study) -> dict[str, RunFailure]:
    """The failure by name of the run, sorted. Raises ``OrbicyteError`` if a file is damaged."""
    return {path.parent.name: _read(path) for path in sorted(study.run("a").parent.glob(f"*/{FILE}"))}


def _read(path: Path) -> RunFailure:
    return read_checked(path, FORMAT, _FAILURE, "delete it and start the experiment again")
