"""The scores of a run: one number per row, written by measures and read by the report; and which cells were measured.

::

    scores/scores.parquet     one row per score
    scores/evaluation.json    which cells were measured, with which settings
    scores/arrays.npz         the arrays behind the figures (see ``orbicyte.stages.evaluate``)
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from orbicyte.settings import EvaluationSettings
from orbicyte.study.files import damaged, read_json, replacing, write_json
from orbicyte.study.runs import RunKey

RENAMED_PARTS = {"identification": "retrieval_accuracy", "quarter_turns": "multiples_of_90"}
"""Parts of the names of measures in older score files, and their current names."""
RENAMED_FIELDS = {"choose": "labelled_selection", "report": "labelled_test", "turned_report_cells": "labelled_rotated"}
"""The same for ``evaluation.json``."""


@dataclass(frozen=True)
class Score:
    """One number yielded by a measure.

    ``measure`` is the plug-in's name, with a part after a slash where it has several (``f1/linear``);
    ``type`` the cell type or other class of the value, empty for all; ``angle_deg`` the rotation angle of the value,
    None for all.
    """

    measure: str
    value: float
    type: str = ""
    angle_deg: float | None = None


COLUMNS = [field.name for field in (*fields(RunKey), *fields(Score))]


def write_scores(path: Path, key: RunKey, scores: Iterable[Score]) -> None:
    """Write one Parquet row per score of the run ``key``, completely or not at all."""
    table = pd.DataFrame([asdict(key) | asdict(score) for score in scores], columns=COLUMNS)
    floats = {"rotation_weight": "float64", "angle_deg": "float64", "value": "float64"}
    with replacing(path) as temporary:
        table.astype(floats).to_parquet(temporary, index=False)


def read_scores(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several score files, with the columns ``COLUMNS``; absent weights and angles are NaN."""
    tables = [pd.read_parquet(path) for path in paths]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    current = {name: _current_name(name) for name in table["measure"].unique()}
    return table.assign(measure=table["measure"].map(current))


def _current_name(measure: str) -> str:
    return "/".join(RENAMED_PARTS.get(part, part) for part in measure.split("/"))


@dataclass(frozen=True)
class EvaluationRecord:
    """The content of ``evaluation.json``: numbers of cells, unless stated otherwise.

    ``test_cells``: rotated and measured, ``test_cells_unlabelled`` of them without a label; ``labelled``: on which
    typing was measured, in the parts ``labelled_selection`` and ``labelled_test``; ``labelled_rotated``: of the test
    part; ``types_left_out``: types with too few labelled cells, and how many they have; ``grouped_by``: slide, patient
    or cell, the groups that folds do not split; ``angles``: number of angles.
    """

    test_cells: int
    labelled_test: int
    labelled_selection: int
    grouped_by: str
    angles: int
    settings: EvaluationSettings
    test_cells_unlabelled: int = 0
    labelled: int = 0
    labelled_rotated: int = 0
    types_left_out: dict[str, int] = field(default_factory=dict)


_EVALUATION = TypeAdapter(EvaluationRecord)


def write_evaluation(path: Path, record: EvaluationRecord) -> None:
    """Write ``record``, completely or not at all."""
    write_json(path, {**asdict(record), "settings": record.settings.model_dump(mode="json")})


def read_evaluation(path: Path) -> EvaluationRecord:
    """The record in ``path``. Raises ``OrbicyteError`` if it is damaged."""
    content = {RENAMED_FIELDS.get(name, name): value for name, value in read_json(path).items()}
    try:
        return _EVALUATION.validate_python(content)
    except ValidationError as error:
        raise damaged(path, error, "run 'orbicyte evaluate' again") from None
