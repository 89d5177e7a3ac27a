"""The table of cells detected on a slide: one row per cell, as Parquet."""

import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.files import replacing
from orbicyte.study.slides import cells_path, check_cells_digest
from orbicyte.study.tables import read_table, require

ADVICE = "delete it and run 'orbicyte detect' again"

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # a UUID, the same when the same cell is detected again
        ("x_px", pa.float64()),  # centre, in level-0 pixels from the slide's upper left corner; pixel 0 spans 0 to 1
        ("y_px", pa.float64()),
        ("x_um", pa.float64()),
        ("y_um", pa.float64()),
        ("diameter_um", pa.float32()),  # of a disc of the outline's area
        ("score", pa.float32()),  # 0 to 1
        (
            "outline_px",
            pa.list_(pa.float32()),
        ),  # x0, y0, x1, y1, ... in level-0 pixels; closed from the last point to the first
    ]
)

NAMESPACE = uuid.UUID("6d3ce4a0-5a0e-4f0c-9f4b-0b8a3f1f2c77")


def cell_id(fingerprint: str, x_px: float, y_px: float) -> str:
    """A UUID determined by the slide's content and the cell's position to the nearest pixel."""
    return str(uuid.uuid5(NAMESPACE, f"{fingerprint}/{x_px:.0f},{y_px:.0f}"))


def write_cells(study: Study, slide: str, cells: pd.DataFrame) -> None:
    """Store the cells detected on ``slide``, completely or not at all. ``cells`` has the columns of ``SCHEMA``."""
    table = pa.Table.from_pandas(cells[SCHEMA.names], SCHEMA, preserve_index=False)
    with replacing(cells_path(study, slide)) as temporary:
        pq.write_table(table, temporary)


def read_cells(study: Study, slide: str) -> pd.DataFrame:
    """The cells detected on ``slide``, columns as in ``SCHEMA``.

    Raises ``OrbicyteError`` if there is no table, it is not the one that was written, or has impossible values.
    """
    path = cells_path(study, slide)
    if not path.exists():
        raise OrbicyteError(f"{slide}: no cells detected yet: run 'orbicyte detect'")
    check_cells_digest(study, slide, ADVICE)
    table = read_table(path, SCHEMA, ADVICE)
    _check(table, path)
    return table


def read_ids(study: Study, slide: str) -> list[str]:
    """The ids of the cells found on ``slide``. Raises ``OrbicyteError`` if the table is damaged."""
    path = cells_path(study, slide)
    check_cells_digest(study, slide, ADVICE)
    ids = read_table(path, SCHEMA, ADVICE, ["id"])["id"]
    _check_ids(ids, path)
    return ids.tolist()


def _check(table: pd.DataFrame, path: Path) -> None:
    """Raise ``OrbicyteError`` for values that no detection gives: they would be other cells without a word."""
    _check_ids(table["id"], path)
    for name in ("x_px", "y_px", "x_um", "y_um"):
        require(np.isfinite(table[name]), path, f"finite numbers in {name}", ADVICE)
    diameter, score = table["diameter_um"], table["score"]
    require(np.isfinite(diameter) & (diameter > 0), path, "diameters above 0", ADVICE)
    require((score >= 0) & (score <= 1), path, "scores from 0 to 1", ADVICE)
    outlines = table["outline_px"].dropna()
    require([len(points) % 2 == 0 for points in outlines], path, "outlines of x and y", ADVICE)
    points = np.concatenate([np.zeros(0, np.float32), *outlines])
    require(bool(np.isfinite(points).all()), path, "finite numbers in outline_px", ADVICE)


def _check_ids(ids: "pd.Series[str]", path: Path) -> None:
    require(ids.notna() & (ids.str.len() > 0), path, "an id of each cell", ADVICE)
    require(~ids.duplicated(), path, "different ids", ADVICE)


def outline(points: NDArray[np.float64]) -> list[float]:
    """A polygon (N, 2) of x and y, in level-0 pixels, as a list x0, y0, x1, y1, ... for the table."""
    return points.ravel().tolist()
