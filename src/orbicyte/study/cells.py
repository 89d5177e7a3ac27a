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
from orbicyte.study.slides import cells_path

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
    """The cells detected on ``slide``, columns as in ``SCHEMA``. Raises ``OrbicyteError`` if there is no table."""
    path = cells_path(study, slide)
    if not path.exists():
        raise OrbicyteError(f"{slide}: no cells detected yet: run 'orbicyte detect'")
    return read_table(path)


def read_ids(study: Study, slide: str) -> list[str]:
    """The ids of the cells found on ``slide``. Raises ``OrbicyteError`` if the table is damaged."""
    return list(read_table(cells_path(study, slide), ["id"])["id"])


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """The table in ``path``, or some ``columns`` of it. Raises ``OrbicyteError`` if it is damaged."""
    try:
        table: pd.DataFrame = pq.read_table(path, columns=columns, schema=SCHEMA).to_pandas()
    except (OSError, pa.ArrowInvalid, pa.ArrowException) as error:
        raise OrbicyteError(f"{path} is damaged ({error}): delete it and run 'orbicyte detect' again") from error
    return table


def outline(points: NDArray[np.float64]) -> list[float]:
    """A polygon (N, 2) of x and y, in level-0 pixels, as a list x0, y0, x1, y1, ... for the table."""
    return points.ravel().tolist()
