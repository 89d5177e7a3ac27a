from pathlib import Path

import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.counts import NUMBERS, SHARES, counts_path, read_counts, write_counts


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {"slide": ["a", "a", "b"], "type": ["x", "y", "x"], **dict.fromkeys(SHARES, 12.5), **dict.fromkeys(NUMBERS, 3)}
    )


def test_a_count_is_read_as_it_was_written(table: pd.DataFrame, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    assert read_counts(study) is None
    table.loc[2, "percent"] = float("nan")
    write_counts(study, table)
    kept = read_counts(study)
    assert kept is not None
    pd.testing.assert_frame_equal(kept, table)


@pytest.mark.parametrize(("column", "value"), [("percent", 101.0), ("cells", -1), ("type", None)])
def test_a_value_that_cannot_be_is_an_error(table: pd.DataFrame, column: str, value: object, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    table[column] = pd.Series([value] * len(table), dtype=table[column].dtype)
    write_counts(study, table)
    with pytest.raises(OrbicyteError, match=r"counts.parquet is damaged: expected .*run 'orbicyte count"):
        read_counts(study)


def test_damaged_bytes_are_an_error(table: pd.DataFrame, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    write_counts(study, table)
    content = bytearray(counts_path(study).read_bytes())
    content[len(content) // 3] ^= 0xFF
    counts_path(study).write_bytes(content)
    with pytest.raises(OrbicyteError, match="is damaged"):
        read_counts(study)
