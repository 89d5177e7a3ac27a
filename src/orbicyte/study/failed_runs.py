"""Runs of an experiment that failed, and why: ``STUDY/experiment/failed.json``."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orbicyte.study.files import check_format, damaged, write_json
from orbicyte.study.folder import Study

FORMAT = 1
_REASONS = TypeAdapter(dict[str, str])


def failed_runs_file(study: Study) -> Path:
    """Its path."""
    return study.path / "experiment" / "failed.json"


def write_failed(study: Study, failed: Mapping[str, str]) -> None:
    """Write ``failed``, the reason by name of the run, completely or not at all."""
    write_json(failed_runs_file(study), {"format": FORMAT, "failed": dict(failed)})


def read_failed(study: Study) -> dict[str, str]:
    """The reason by name of the run; empty if nothing was written. Raises ``OrbicyteError`` if it is damaged."""
    path = failed_runs_file(study)
    if not path.exists():
        return {}
    try:
        return _REASONS.validate_python(check_format(path, FORMAT).get("failed"))
    except ValidationError as error:
        raise damaged(path, error, "delete it and start the experiment again") from None
