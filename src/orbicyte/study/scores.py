"""The scores of a run: one number per row, written by measures and read by the report; and which cells were measured.

::

    scores/scores.parquet     one row per score
    scores/evaluation.json    which cells were measured, with which settings
    scores/arrays.npz         the arrays behind the figures (see ``orbicyte.stages.evaluate``)
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter

from orbicyte.settings import EvaluationSettings
from orbicyte.study.files import read_json, replacing, validated, write_json
from orbicyte.study.npy import read_arrays
from orbicyte.study.reading import check_digest, sha256_of
from orbicyte.study.runs import EVALUATION_FILE, RunKey
from orbicyte.study.tables import read_table, require
from orbicyte.study.values import Count, Text

ADVICE = "run 'orbicyte evaluate' again"
RENAMED_PARTS = {"identification": "retrieval_accuracy", "quarter_turns": "multiples_of_90"}
"""Parts of the names of measures in older score files, and their current names."""
RENAMED_FIELDS = {"choose": "labelled_selection", "report": "labelled_test", "turned_report_cells": "labelled_rotated"}
"""The same for ``evaluation.json``."""


def learned_nothing(constant: float | None, latent_size: int) -> bool:
    """Whether a network learned almost nothing: all dimensions are constant.

    ``constant``: the value of CONSTANT, None where it was not measured.
    """
    return constant is not None and constant >= latent_size


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


MEASURES = 1
"""Number of the definition of all measures: with another one, runs are evaluated again, so scores are not mixed."""
CONSTANT = "movement/dropped_dimensions"
"""The measure of how many dimensions are nearly constant: of variance below 0.01, where the prior has 1."""

SCHEMA = pa.schema(
    [
        ("network", pa.string()),
        ("rotation_weight", pa.float64()),
        ("seed", pa.int64()),
        ("fold", pa.int64()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("type", pa.string()),
        ("angle_deg", pa.float64()),
    ]
)
ARRAYS = {
    "inputs": ("f", 4),
    "reconstructions": ("f", 4),
    "map_xy": ("f", 2),
    "map_cells": ("iu", 1),
    "map_types": ("U", 1),
}
"""Kinds of numbers and number of axes of the arrays that the report shows."""


def write_scores(path: Path, key: RunKey, scores: Iterable[Score]) -> None:
    """Write one Parquet row per score of the run ``key``, completely or not at all."""
    table = pd.DataFrame([asdict(key) | asdict(score) for score in scores], columns=COLUMNS)
    floats = {"rotation_weight": "float64", "angle_deg": "float64", "value": "float64"}
    with replacing(path) as temporary:
        table.astype(floats).to_parquet(temporary, index=False)


def read_scores(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several score files, with the columns ``COLUMNS``; absent weights and angles are NaN.

    Raises ``OrbicyteError`` if a file is damaged, or not the one that the evaluation wrote.
    """
    tables = [_scores(path) for path in paths]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    current = {name: _current_name(name) for name in table["measure"].unique()}
    return table.assign(measure=table["measure"].map(current))


def _scores(path: Path) -> pd.DataFrame:
    check_evaluated(path)
    table = read_table(path, SCHEMA, ADVICE)
    for name in ("network", "measure", "type"):
        require(table[name].notna(), path, f"a text in {name}", ADVICE)
    require(np.isfinite(table[["seed", "fold"]].astype(float)), path, "numbers in seed and fold", ADVICE)
    return table


def check_evaluated(path: Path) -> None:
    """Raise ``OrbicyteError`` if ``path``, in the folder of the scores, is not the file that the evaluation wrote."""
    record = path.with_name(EVALUATION_FILE)
    if record.exists():
        check_digest(path, read_evaluation(record).digests, EVALUATION_FILE, ADVICE)


def read_pictures(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays behind the figures, in ``path``; empty where the file is absent.

    Pictures ``inputs`` and ``reconstructions`` (K, S, S, 3) in [0, 1]; the map: ``map_xy`` (M, 2), its ``map_cells``
    (M,), rows of the store, and their labels ``map_types`` (M,). Raises ``OrbicyteError`` if it is damaged.
    """
    if not path.exists():
        return {}
    check_evaluated(path)
    arrays = read_arrays(path, ADVICE)
    for name, (kinds, axes) in ARRAYS.items():
        found = arrays.get(name, np.zeros((0,) * axes, f"{kinds[0]}4"))
        is_right = found.dtype.kind in kinds and found.ndim == axes
        require(is_right, path, f"another type and shape of {name} than {found.dtype} {found.shape}", ADVICE)
        require(found.dtype.kind != "f" or bool(np.isfinite(found).all()), path, f"finite numbers in {name}", ADVICE)
    pictures = [arrays[name].shape if name in arrays else None for name in ("inputs", "reconstructions")]
    require(pictures[0] == pictures[1], path, "a reconstruction of each picture", ADVICE)
    require(pictures[0] is None or pictures[0][3] == 3, path, "pictures of three colours", ADVICE)
    points = {len(arrays[name]) if name in arrays else None for name in ("map_xy", "map_cells", "map_types")}
    require(len(points) == 1, path, "a cell and a type at each point of the map", ADVICE)
    require("map_xy" not in arrays or arrays["map_xy"].shape[1] == 2, path, "x and y of each point of the map", ADVICE)
    return arrays


def _current_name(measure: str) -> str:
    return "/".join(RENAMED_PARTS.get(part, part) for part in measure.split("/"))


@dataclass(frozen=True)
class EvaluationRecord:
    """The content of ``evaluation.json``: numbers of cells, unless stated otherwise.

    ``test_cells``: rotated and measured, ``test_cells_unlabelled`` of them without a label; ``labelled``: on which
    typing was measured, in the parts ``labelled_selection`` and ``labelled_test``; ``labelled_rotated``: of the test
    part; ``types_left_out``: types with too few labelled cells, and how many they have; ``grouped_by``: slide, patient
    or cell, the groups that folds do not split; ``angles``: number of angles; ``digests``: of the other files of the
    scores, by name; older releases wrote none; ``measures``: the number of the measures' definition, ``MEASURES``;
    ``versions``: of the packages that measured, by name; older releases wrote none.
    """

    test_cells: Count
    labelled_test: Count
    labelled_selection: Count
    grouped_by: Text
    angles: Count
    settings: EvaluationSettings
    test_cells_unlabelled: Count = 0
    labelled: Count = 0
    labelled_rotated: Count = 0
    types_left_out: dict[str, Count] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict, compare=False)
    measures: Count = 1
    versions: dict[Text, Text] = field(default_factory=dict, compare=False)


_EVALUATION = TypeAdapter(EvaluationRecord)


def write_evaluation(path: Path, record: EvaluationRecord) -> None:
    """Write ``record``, completely or not at all, with the digests of the other files in its folder: it is the last."""
    others = path.parent.iterdir() if path.parent.is_dir() else ()
    digests = {file.name: sha256_of(file) for file in sorted(others) if file.is_file() and file != path}
    write_json(path, {**asdict(record), "settings": record.settings.model_dump(mode="json"), "digests": digests})


def read_evaluation(path: Path) -> EvaluationRecord:
    """The record in ``path``. Raises ``OrbicyteError`` if it is damaged."""
    content = {RENAMED_FIELDS.get(name, name): value for name, value in read_json(path, ADVICE).items()}
    return validated(_EVALUATION, content, path, ADVICE)
