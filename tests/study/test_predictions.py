from pathlib import Path

import pandas as pd

from orbicyte.study.predictions import COLUMNS, read_predictions, write_predictions
from orbicyte.study.runs import RunKey


def test_predictions_of_several_runs_are_one_table(tmp_path: Path) -> None:
    cells = pd.DataFrame({"cell": [4, 7], "type": ["a", "b"], "group": ["s", "t"], "probe_fold": [1, 0]})
    cells = cells.assign(linear=["a", "a"], mlp=["b", "b"])
    keys = [RunKey("baseline", None, 0, 1), RunKey("only_stn", 0.2, 0, 2)]
    paths = [tmp_path / key.folder_name for key in keys]
    for path, key in zip(paths, keys, strict=True):
        write_predictions(path, key, cells)
    table = read_predictions([*paths, tmp_path / "absent"])
    assert list(table.columns) == COLUMNS
    assert table["network"].tolist() == ["baseline", "baseline", "only_stn", "only_stn"]
    assert table["rotation_weight"].isna().tolist() == [True, True, False, False]
    assert table["fold"].tolist() == [1, 1, 2, 2]
    pd.testing.assert_frame_equal(table.loc[table["fold"] == 2, cells.columns].reset_index(drop=True), cells)
    assert list(read_predictions([]).columns) == COLUMNS
