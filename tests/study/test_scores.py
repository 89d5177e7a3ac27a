import errno
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.errors import OrbicyteError
from orbicyte.study.runs import RunKey
from orbicyte.study.scores import COLUMNS, Score, read_scores, write_scores

SCORES = st.builds(
    Score,
    measure=st.text(min_size=1),
    value=st.floats(allow_nan=False),
    type=st.text(),
    angle_deg=st.none() | st.floats(0, 360),
)
RUNS = st.builds(
    RunKey,
    network=st.text(min_size=1),
    rotation_weight=st.none() | st.floats(0, 10),
    seed=st.integers(0, 2**40),
    fold=st.integers(1, 20),
)


@given(RUNS, st.lists(SCORES, max_size=5), RUNS, st.lists(SCORES, min_size=1, max_size=5))
def test_rows_are_read_in_order(run: RunKey, scores: list[Score], other: RunKey, more: list[Score]) -> None:
    with TemporaryDirectory() as folder:
        paths = [Path(folder, "new", "a.parquet"), Path(folder, "b.parquet")]
        write_scores(paths[0], run, scores)
        write_scores(paths[1], other, more)
        rows = read_scores(paths)
    assert list(rows.columns) == COLUMNS
    expected = [(run, score) for score in scores] + [(other, score) for score in more]
    assert len(rows) == len(expected)
    for (_, row), (of, score) in zip(rows.iterrows(), expected, strict=True):
        assert (row["network"], row["seed"], row["fold"]) == (of.network, of.seed, of.fold)
        assert (row["measure"], row["value"], row["type"]) == (score.measure, score.value, score.type)
        for value, name in ((of.rotation_weight, "rotation_weight"), (score.angle_deg, "angle_deg")):
            assert math.isnan(row[name]) if value is None else row[name] == value


def test_without_files_there_are_no_rows() -> None:
    assert list(read_scores([]).columns) == COLUMNS
    assert read_scores([]).empty


def test_an_interrupted_write_keeps_the_old_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, run = tmp_path / "scores.parquet", RunKey("baseline", None, 0, 1)
    write_scores(path, run, [Score("ssim", 0.5)])

    def fail(table: pd.DataFrame, to: Path, **_: object) -> None:
        to.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(OrbicyteError, match="free some disk space"):
        write_scores(path, run, [Score("ssim", 0.9)])
    assert read_scores([path])["value"].tolist() == [0.5]
    assert [entry.name for entry in tmp_path.iterdir()] == ["scores.parquet"]
