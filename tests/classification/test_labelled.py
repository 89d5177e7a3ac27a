from pathlib import Path

import numpy as np

from orbicyte.classification.labelled import counted, labelled_cells
from orbicyte.data.patches import PatchStore


def test_all_labelled_cells_of_a_store_are_in_the_test_part(imported: Path) -> None:
    store = PatchStore.open(imported / "patches")
    cells = labelled_cells(store)
    assert len(cells) == len(store.labelled) == 60
    assert cells.rows.tolist() == store.labelled.tolist()
    assert cells.types.tolist() == store.cells["label"][store.labelled].tolist()
    assert (cells.grouped_by, cells.groups.tolist()) == ("slide", store.cells["slide"][store.labelled].tolist())
    assert cells.test.tolist() == list(range(60))


def test_a_part_of_the_cells_keeps_their_rows_in_the_store(imported: Path) -> None:
    cells = labelled_cells(PatchStore.open(imported / "patches"))
    some = np.array([5, 2, 40])
    part = cells[some]
    for name in ("rows", "types", "groups", "is_selection"):
        np.testing.assert_array_equal(getattr(part, name), getattr(cells, name)[some])
    assert part.grouped_by == cells.grouped_by


def test_types_are_listed_with_their_number_of_cells() -> None:
    assert counted({"band": 3, "blast": 1}) == "band (3), blast (1)"
