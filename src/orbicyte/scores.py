"""Scores: one number each, in rows that measures write and the report reads."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from orbicyte.study import replacing


@dataclass(frozen=True)
class Score:
    """What a measure yields.

    ``measure`` is the plug-in's name, with a part behind a slash where it has several (``f1/linear``);
    ``type`` the cell type or other class the value is for, empty for all; ``angle_deg`` the turn it is for,
    None for all.
    """

    measure: str
    value: float
    type: str = ""
    angle_deg: float | None = None


@dataclass(frozen=True)
class Run:
    """Which trained network the scores are of; ``rotation_weight`` is None for networks without a rotation loss."""

    network: str
    rotation_weight: float | None
    seed: int
    fold: int


COLUMNS = [field.name for field in (*fields(Run), *fields(Score))]


def write_scores(path: Path, run: Run, scores: Iterable[Score]) -> None:
    """Write one Parquet row a score, whole or not at all."""
    table = pd.DataFrame([asdict(run) | asdict(score) for score in scores], columns=COLUMNS)
    floats = {"rotation_weight": "float64", "angle_deg": "float64", "value": "float64"}
    with replacing(path) as temporary:
        table.astype(floats).to_parquet(temporary, index=False)


def read_scores(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several score files, with the columns ``COLUMNS``; absent weights and angles are NaN."""
    tables = [pd.read_parquet(path) for path in paths]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
