from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.failed_runs import RunFailure, failed_runs, forget_failure, write_failure


def test_failures_are_kept_until_forgotten(tmp_path: Path) -> None:
    study = Study.create(tmp_path)
    assert failed_runs(study) == {}
    failures = {"b": RunFailure("full"), "a": RunFailure("defect", "Traceback")}
    for name, failure in failures.items():
        write_failure(study.run(name), failure)
    assert failed_runs(study) == failures
    assert list(failed_runs(study)) == ["a", "b"]
    forget_failure(study.run("b"))
    forget_failure(study.run("b"))
    assert list(failed_runs(study)) == ["a"]


def test_a_damaged_failure_is_a_one_line_error(tmp_path: Path) -> None:
    study = Study.create(tmp_path)
    write_failure(study.run("a"), RunFailure("full"))
    (study.run("a") / "failed.json").write_text('{"format": 1, "reason": 3}')
    with pytest.raises(OrbicyteError, match=r"failed\.json is damaged: reason: .*; delete it and start"):
        failed_runs(study)
