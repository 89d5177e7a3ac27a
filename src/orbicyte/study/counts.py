"""The differential count of each slide, as 'orbicyte count' made it last.

::

    STUDY/counts.parquet     the columns of ``orbicyte.stages.count.count``: one row per slide and type
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orbicyte.study.files import replacing
from orbicyte.study.folder import Study
from orbicyte.study.tables import read_table, require

SHARES = ("percent", "low", "high", "naive_percent", "naive_low", "naive_high")
NUMBERS = ("labelled", "classified", "cells", "other", "unsure", "untyped", "out_of_distribution")
SCHEMA = pa.schema(
    [("slide", pa.string()), ("type", pa.string())]
    + [(name, pa.float64()) for name in SHARES]
    + [(name, pa.int64()) for name in NUMBERS]
)


def counts_path(study: Study) -> Path:
    """The table's file."""
    return study.path / "counts.parquet"


def write_counts(study: Study, table: pd.DataFrame) -> None:
    """Write the table, completely or not at all."""
    content = pa.Table.from_pandas(table[SCHEMA.names], SCHEMA, preserve_index=False)
    with replacing(counts_path(study)) as temporary:
        pq.write_table(content, temporary, write_page_checksum=True)


def read_counts(study: Study) -> pd.DataFrame | None:
    """The table, None if there is none; shares are NaN where no cell is counted.

    Raises ``OrbicyteError`` if it is damaged.
    """
    path = counts_path(study)
    if not path.exists():
        return None
    advice = f"run 'orbicyte count {study.path}' again"
    table = read_table(path, SCHEMA, advice)
    for name in ("slide", "type"):
        require(table[name].notna(), path, f"a value in {name}", advice)
    for name in SHARES:
        values = table[name]
        require(values.isna() | ((values >= 0) & (values <= 100 + 1e-6)), path, f"per cent in {name}", advice)
    for name in NUMBERS:
        require(table[name] >= 0, path, f"whole numbers in {name}", advice)
    return table
