from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.failed_runs import failed_runs_file, read_failed, write_failed


def test_reasons_are_read_back_and_replaced(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    assert read_failed(study) == {}
    write_failed(study, {"baseline-fold1-seed0": "out of memory: 3 GB, µ"})
    assert read_failed(study) == {"baseline-fold1-seed0": "out of memory: 3 GB, µ"}
    write_failed(study, {})
    assert read_failed(study) == {}


@pytest.mark.parametrize("content", ["{", '{"format": 1, "failed": {"run": 3}}', '{"format": 1}', '{"format": 2}'])
def test_a_damaged_or_newer_file_is_an_error(tmp_path: Path, content: str) -> None:
    study = Study.create(tmp_path / "study")
    write_failed(study, {})
    failed_runs_file(study).write_text(content)
    with pytest.raises(OrbicyteError, match=r"failed\.json"):
        read_failed(study)
