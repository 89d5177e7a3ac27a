import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.types import (
    confusion_elsewhere,
    predicted_by,
    predicted_types,
    read_types,
    types_path,
    write_types,
)

TABLE = pd.DataFrame(
    {
        "id": ["1", "2", "3"],
        "slide": ["a", "b", "a"],
        "type": ["band, µ", "blast", "blast"],
        "probability": [0.75, 0.5, 1.0],
        "out_of_distribution": [False, True, False],
        "label": [None, "blast", None],
    }
)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """An empty study."""
    return Study.create(tmp_path / "study")


def test_types_can_be_written_and_read_with_the_run_that_predicted_them(study: Study) -> None:
    write_types(study, TABLE, "baseline-fold1-seed0")
    table = read_types(study)
    assert table is not None
    pd.testing.assert_frame_equal(table, TABLE)
    assert predicted_by(study) == "baseline-fold1-seed0"
    assert predicted_types(study, "a") == {"1": ("band, µ", 0.75, False), "3": ("blast", 1.0, False)}
    assert predicted_types(study, "c") == {}


def test_a_study_that_was_not_classified_has_no_types(study: Study) -> None:
    assert read_types(study) is None
    assert predicted_by(study) is None
    assert predicted_types(study, "a") == {}


def test_the_confusion_of_another_laboratory_is_stored_with_the_types(study: Study) -> None:
    assert confusion_elsewhere(study) is None
    names = ["blast", "band, µ"]
    confusion = pd.DataFrame([[9, 1], [2, 8]], index=names, columns=names)
    write_types(study, TABLE, "pretrained", confusion)
    found = confusion_elsewhere(study)
    assert found is not None
    pd.testing.assert_frame_equal(found, confusion)
    write_types(study, TABLE, "baseline-fold1-seed0")
    assert confusion_elsewhere(study) is None


def test_types_of_a_format_without_confusion_are_read(study: Study) -> None:
    write_types(study, TABLE, "baseline-fold1-seed0")
    about = {b"orbicyte": json.dumps({"format": 2, "run": "baseline-fold1-seed0"}).encode()}
    pq.write_table(pq.read_table(types_path(study)).replace_schema_metadata(about), types_path(study))
    assert predicted_by(study) == "baseline-fold1-seed0"
    assert confusion_elsewhere(study) is None


def test_damaged_types_are_a_one_line_error_with_the_command_to_repeat(study: Study) -> None:
    write_types(study, TABLE, "baseline-fold1-seed0")
    types_path(study).write_bytes(types_path(study).read_bytes()[:-20])
    with pytest.raises(OrbicyteError, match=r"is damaged .*: run 'orbicyte classify"):
        read_types(study)
    with pytest.raises(OrbicyteError, match=r"is damaged .*: run 'orbicyte classify"):
        predicted_types(study, "a")
    with pytest.raises(OrbicyteError, match=r"is damaged .*: run 'orbicyte classify"):
        predicted_by(study)


def test_types_of_a_newer_format_are_an_error(study: Study) -> None:
    write_types(study, TABLE, "baseline-fold1-seed0")
    about = {b"orbicyte": json.dumps({"format": 99, "run": "baseline-fold1-seed0"}).encode()}
    pq.write_table(pq.read_table(types_path(study)).replace_schema_metadata(about), types_path(study))
    for read in (read_types, predicted_by, lambda study: predicted_types(study, "a")):
        with pytest.raises(OrbicyteError, match="format 99, this orbicyte reads up to 3: install a newer orbicyte"):
            read(study)
