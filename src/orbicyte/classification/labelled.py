"""The labelled cells of a study: one record for probes, the classifier and the measures of cell typing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from orbicyte.arrays import Flags, Rows, Strings
from orbicyte.data.folds import group_column
from orbicyte.data.patches import PatchStore


@dataclass(frozen=True)
class LabelledCells:
    """Labelled cells of a patch store, M of them.

    ``rows`` (M,): their rows in the store; copies of a cell have the same. ``types`` (M,): their labels. ``groups``
    (M,): slide or patient of each, or one number per cell where neither is known; ``grouped_by``: which of these,
    "slide", "patient" or "cell".
    ``is_selection`` (M,): True for the selection part, on which models are selected; the others are the test part.
    ``left_out``: types with too few labelled cells to be among them, and how many they have.
    """

    rows: Rows
    types: Strings
    groups: Strings
    grouped_by: str
    is_selection: Flags
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, positions: Rows) -> "LabelledCells":
        return LabelledCells(
            self.rows[positions],
            self.types[positions],
            self.groups[positions],
            self.grouped_by,
            self.is_selection[positions],
            self.left_out,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def repeated(self, times: int) -> "LabelledCells":
        """The cells ``times`` times one after the other. Splits keep all copies of a cell, of one row, together."""
        return self[np.tile(np.arange(len(self)), times)]

    @property
    def test(self) -> Rows:
        """Positions of the test part among these cells: (T,)."""
        return np.flatnonzero(~self.is_selection)


def labelled_cells(store: PatchStore) -> LabelledCells:
    """All labelled cells of ``store``, in its order, none of them in the selection part."""
    rows = store.labelled
    grouped_by, groups = group_column(store.cells.iloc[rows])
    names = np.arange(len(rows)).astype(str) if groups is None else np.asarray(groups).astype(str)
    types = store.cells["label"].to_numpy()[rows].astype(str)
    return LabelledCells(rows, types, names, grouped_by, np.zeros(len(rows), np.bool_))


def counted(types: Mapping[str, int]) -> str:
    """Types with their numbers of cells, as text for a message."""
    return ", ".join(f"{name} ({count})" for name, count in types.items())
