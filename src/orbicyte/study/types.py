"""The predicted types of all cells of a study.

::

    STUDY/types.parquet     id, slide, type, probability, p_<type>, out_of_distribution, label, held_out

``id``: the cell's (its file's name in a study of imported patches). ``type``: the most probable; ``probability``: of
it, 0 to 1. ``label``: the cell's label when it was classified, or None. ``held_out``: the cell has a label, and its
type is from a probe that was fitted on the other folds, so that ``type`` may be compared with ``label``. Types with too
few labelled cells are not learned: they have no ``p_<type>``, and another type is predicted for their cells.

The metadata holds the run, and if the classifier was fitted on cells of another laboratory, its confusion matrix: those
cells by label and by the type that a probe not fitted on them predicts.

In format 1, ``out_of_distribution`` was ``unlike_training``; formats 1 and 2 had no confusion matrix.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, TypeAdapter

from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_version, replacing, validated
from orbicyte.study.folder import Study
from orbicyte.study.reading import RECORD_BYTES, parse_json
from orbicyte.study.tables import column_types, read_table, require
from orbicyte.study.values import Count, Text

FORMAT = 3
RENAMED = {"unlike_training": "out_of_distribution"}

PROBABILITY = "p_"
MANY_OUTSIDE = 0.2
"""Share of cells out of distribution above which all cells are taken to be unlike those of the classifier."""
REQUIRED = ("id", "slide", "type", "probability", "out_of_distribution")
KINDS = {
    **dict.fromkeys(("id", "slide", "type", "label"), pa.string()),
    "probability": pa.float64(),
    **dict.fromkeys(("out_of_distribution", "held_out", *RENAMED), pa.bool_()),
}
"""Types of the columns; those of the probabilities are numbers."""


class Prediction(NamedTuple):
    """What is predicted for a cell: columns of the table."""

    type: str
    probability: float
    out_of_distribution: bool


Predicted = dict[str, Prediction]
"""By the cell's id."""


def types_path(study: Study) -> Path:
    """The table's file."""
    return study.path / "types.parquet"


def write_types(study: Study, table: pd.DataFrame, run: str, confusion: pd.DataFrame | None = None) -> None:
    """Write the table, completely or not at all.

    ``run``: name of the run whose classifier predicted the types; ``confusion``: see ``confusion_elsewhere``.
    """
    content = pa.Table.from_pandas(table, preserve_index=False)
    elsewhere = None if confusion is None else {"types": list(confusion), "counts": confusion.to_numpy().tolist()}
    about = {b"orbicyte": json.dumps({"format": FORMAT, "run": run, "confusion": elsewhere}).encode()}
    content = content.replace_schema_metadata({**(content.schema.metadata or {}), **about})
    with replacing(types_path(study)) as temporary:
        pq.write_table(content, temporary, write_page_checksum=True)


def read_types(study: Study) -> pd.DataFrame | None:
    """The table of predicted types, None if there is none.

    Raises ``OrbicyteError`` if it is damaged or of a newer format.
    """
    if _about(study) is None:
        return None
    path, advice = types_path(study), _advice(study)
    there = [name for name in column_types(path, advice).names if name in KINDS or name.startswith(PROBABILITY)]
    former = [name for name in RENAMED if name in there]
    schema = pa.schema([(name, KINDS.get(name, pa.float64())) for name in [*there, *_missing(there, former)]])
    table = read_table(path, schema, advice)
    for name in ("id", "type", "out_of_distribution", *former):
        if name in table:
            require(table[name].notna(), path, f"a value in {name}", advice)
    require(~table["id"].duplicated(), path, "different ids", advice)
    for name in (name for name in there if name == "probability" or name.startswith(PROBABILITY)):
        require((table[name] >= 0) & (table[name] <= 1 + 1e-6), path, f"numbers from 0 to 1 in {name}", advice)
    return table.rename(columns=RENAMED)


def _missing(there: list[str], former: list[str]) -> list[str]:
    """The columns that a table must have and this one lacks; reading them is the error."""
    current = {RENAMED[name] for name in former}
    return [name for name in REQUIRED if name not in there and name not in current]


def predicted_types(study: Study, slide: str) -> Predicted:
    """The types of the cells of ``slide``; empty if they were not classified.

    Raises ``OrbicyteError`` if the table is damaged or of a newer format.
    """
    table = read_types(study)
    if table is None:
        return {}
    table = table[table["slide"] == slide]
    columns = (table["type"], table["probability"].astype(float), table["out_of_distribution"].astype(bool))
    predictions = map(Prediction, *(column.tolist() for column in columns))
    return dict(zip(table["id"].tolist(), predictions, strict=True))


def predicted_by(study: Study) -> str | None:
    """Name of the run whose classifier predicted the types; None if there are none.

    Raises ``OrbicyteError`` if the table is damaged or of a newer format.
    """
    about = _about(study)
    return None if about is None else about.run


def confusion_elsewhere(study: Study) -> pd.DataFrame | None:
    """Cells of another laboratory by label (rows) and by the type that the classifier predicts for them (columns).

    None without types, and if the classifier was fitted on the study's own labels. Raises ``OrbicyteError`` if the
    table is damaged or of a newer format.
    """
    about = _about(study)
    found = about.confusion if about is not None else None
    return None if found is None else pd.DataFrame(found.counts, index=found.types, columns=found.types)


@dataclass(frozen=True)
class _Confusion:
    """``counts`` (C, C) by label and predicted type, of ``types`` (C,)."""

    types: list[str]
    counts: list[list[Count]]

    def __post_init__(self) -> None:
        if {len(self.counts), *map(len, self.counts)} != {len(self.types)}:
            raise ValueError(f"expected a row and a column for each of {len(self.types)} types")


@dataclass(frozen=True)
class _About:
    """The metadata; ``confusion`` from format 3."""

    run: Text
    format: Annotated[int, Field(ge=1)]
    confusion: _Confusion | None = None


_ABOUT = TypeAdapter(_About)


def _about(study: Study) -> _About | None:
    path, advice = types_path(study), _advice(study)
    if not path.exists():
        return None
    metadata: dict[bytes, bytes] = column_types(path, advice).metadata or {}
    content = metadata.get(b"orbicyte", b"null")
    if len(content) > RECORD_BYTES:
        raise OrbicyteError(f"{path} is damaged: its metadata are too long; {advice}")
    parsed = parse_json(content, path)
    if isinstance(parsed, dict) and isinstance(parsed.get("format"), int):
        check_version(path, parsed["format"], FORMAT)
    return validated(_ABOUT, parsed, path, advice)


def _advice(study: Study) -> str:
    return f"run 'orbicyte classify {study.path}' again"
