"""The table of cells that goes with embeddings: ``obs`` of an .h5ad."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.folds import fold_of_run
from orbicyte.data.patches import PatchStore
from orbicyte.study.files import replacing
from orbicyte.study.runs import RunRecord

PREDICTED = {
    "type": "predicted_type",
    "probability": "predicted_probability",
    "out_of_distribution": "out_of_distribution",
}
"""Columns of the predicted types (``orbicyte.study.types``), and their names here."""


def observations(store: PatchStore, record: RunRecord, types: pd.DataFrame | None) -> pd.DataFrame:
    """One row per cell of ``store``: its table with ``set`` and, where ``types`` were predicted, these.

    The index identifies the cell, and is the same in every file: SLIDE/ID, or the file of an imported patch. Text is
    categorical, as anndata stores it.
    """
    fold = fold_of_run(store, record)
    sets: NDArray[np.object_] = np.full(len(store.cells), "left out", dtype=object)
    sets[store.labelled] = "labelled"
    for name in ("train", "validation", "test"):
        sets[getattr(fold, name)] = name
    table = store.cells.assign(set=sets)
    if types is not None:
        table = table.join(_predicted(table, types))
    texts = [name for name in table.columns if table[name].dtype == object]
    table[texts] = table[texts].astype("category")
    return table.set_index(pd.Index(cell_names(store.cells)))


def cell_names(cells: pd.DataFrame) -> list[str]:
    """A name for each cell of a store, all different."""
    on_slides = cells["slide"].astype(str) + "/" + cells["id"].astype(str)
    names = on_slides.where(cells["id"].notna(), cells["file"].astype(str))
    repeated = names.duplicated(keep=False)  # one file name in two imported folders
    return names.where(~repeated, names + " #" + cells["cell"].astype(str)).tolist()


def replace_observations(path: Path, table: pd.DataFrame) -> None:
    """Add the columns of ``table`` that are of predicted types to the .h5ad ``path``, completely or not at all.

    Nothing is changed if the file has other cells than ``table``.
    """
    from anndata.io import read_elem, write_elem  # 3 s, needed only here
    from h5py import File

    with File(path) as file:
        old = read_elem(file["obs"])
    if old.index.tolist() != table.index.tolist():
        return
    new = old.assign(**{name: table[name] for name in PREDICTED.values() if name in table})
    with replacing(path) as temporary:
        shutil.copyfile(path, temporary)
        with File(temporary, "r+") as file:
            del file["obs"]
            write_elem(file, "obs", new)


def _predicted(cells: pd.DataFrame, types: pd.DataFrame) -> pd.DataFrame:
    """The columns of ``PREDICTED`` for each of ``cells``; missing for cells that were not classified."""
    key = cells["id"].where(cells["id"].notna(), cells["file"]).astype(object)
    found = types.set_index("id")[list(PREDICTED)].reindex(key.tolist())
    found["out_of_distribution"] = found["out_of_distribution"].astype("boolean")
    return found.set_axis(cells.index).rename(columns=PREDICTED)
