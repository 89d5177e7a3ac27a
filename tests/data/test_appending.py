from pathlib import Path

import numpy as np
import pytest

from orbicyte.data.appending import AppendableArray


@pytest.mark.parametrize("kept", [list(range(1200)), [0, 3, 1199], [], list(range(1, 1200, 2))])
def test_numpy_reads_the_kept_rows(tmp_path: Path, kept: list[int]) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (1200, 2, 5), dtype=np.uint8)
    with AppendableArray(tmp_path / "a.npy", (2, 5)) as array:
        for row in rows:
            array.append(row)
        array.finish(kept)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), rows[kept])


def test_other_rows_are_refused(tmp_path: Path) -> None:
    with AppendableArray(tmp_path / "a.npy", (2, 2)) as array, pytest.raises(ValueError, match="expected 8-bit rows"):
        array.append(np.zeros((2, 3), np.uint8))
