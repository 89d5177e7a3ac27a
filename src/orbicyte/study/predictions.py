"""The predicted type of every labelled cell of the test part, by probes that were not fitted on it.

::

    scores/predictions.parquet     one row per cell; absent without labels, and in runs evaluated by older versions
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
import pyarrow as pa

from orbicyte.study.files import replacing
from orbicyte.study.runs import RunKey
from orbicyte.study.scores import ADVICE, check_evaluated
from orbicyte.study.tables import read_table, require

CELL_COLUMNS = ["cell", "type", "group", "probe_fold", "linear", "mlp"]
"""``cell``: its number in the patch store; ``type``: its label; ``group``: the slide, patient or cell, which the folds
of the probes do not split; ``probe_fold``: the fold, from 0, of the probes that predict it; ``linear``, ``mlp``: the
types that the probes predict."""
COLUMNS = [*(field.name for field in fields(RunKey)), *CELL_COLUMNS]

SCHEMA = pa.schema(
    [
        ("network", pa.string()),
        ("rotation_weight", pa.float64()),
        ("seed", pa.int64()),
        ("fold", pa.int64()),
        ("cell", pa.int64()),
        ("type", pa.string()),
        ("group", pa.string()),
        ("probe_fold", pa.int64()),
        ("linear", pa.string()),
        ("mlp", pa.string()),
    ]
)


def write_predictions(path: Path, key: RunKey, cells: pd.DataFrame) -> None:
    """Write one Parquet row per labelled cell of the run ``key``, completely or not at all.

    ``cells``: with the columns ``CELL_COLUMNS``.
    """
    table = cells.assign(**asdict(key))[COLUMNS]
    with replacing(path) as temporary:
        table.astype({"rotation_weight": "float64"}).to_parquet(temporary, index=False)


def read_predictions(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several files, with the columns ``COLUMNS``; absent weights are NaN. Absent files are left out.

    Raises ``OrbicyteError`` if a file is damaged, or not the one that the evaluation wrote.
    """
    tables = [_predictions(path) for path in paths if path.exists()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _predictions(path: Path) -> pd.DataFrame:
    check_evaluated(path)
    table = read_table(path, SCHEMA, ADVICE)
    for name in ("network", "type", "group", "linear", "mlp"):
        require(table[name].notna(), path, f"a text in {name}", ADVICE)
    for name in ("seed", "fold", "cell", "probe_fold"):
        require(table[name].notna(), path, f"a number in {name}", ADVICE)
    return table
