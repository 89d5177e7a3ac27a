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
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_version, replacing
from orbicyte.study.folder import Study

FORMAT = 3
RENAMED = {"unlike_training": "out_of_distribution"}

Predicted = dict[str, tuple[str, float]]
"""Type and its probability, by the cell's id."""


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
    with replacing(types_path(study)) as temporary:
        pq.write_table(content.replace_schema_metadata({**(content.schema.metadata or {}), **about}), temporary)


def read_types(study: Study) -> pd.DataFrame | None:
    """The table of predicted types, None if there is none.

    Raises ``OrbicyteError`` if it is damaged or of a newer format.
    """
    if predicted_by(study) is None:
        return None
    path = types_path(study)
    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise _damaged(study, error) from error
    return table.rename(columns=RENAMED)


def predicted_types(study: Study, slide: str) -> Predicted:
    """The types of the cells of ``slide``; empty if they were not classified.

    Raises ``OrbicyteError`` if the table is damaged or of a newer format.
    """
    if predicted_by(study) is None:
        return {}
    path = types_path(study)
    try:
        table = pd.read_parquet(path, columns=["id", "type", "probability"], filters=[("slide", "==", slide)])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(study, error) from error
    pairs = zip(table["type"].tolist(), table["probability"].astype(float).tolist(), strict=True)
    return dict(zip(table["id"].tolist(), pairs, strict=True))


def predicted_by(study: Study) -> str | None:
    """Name of the run whose classifier predicted the types; None if there are none.

    Raises ``OrbicyteError`` if the table is damaged or of a newer format.
    """
    about = _about(study)
    return None if about is None else str(about["run"])


def confusion_elsewhere(study: Study) -> pd.DataFrame | None:
    """Cells of another laboratory by label (rows) and by the type that the classifier predicts for them (columns).

    None without types, and if the classifier was fitted on the study's own labels. Raises ``OrbicyteError`` if the
    table is damaged or of a newer format.
    """
    about = _about(study)
    found = about.get("confusion") if about is not None else None
    return None if found is None else pd.DataFrame(found["counts"], index=found["types"], columns=found["types"])


def _about(study: Study) -> dict[str, Any] | None:
    """The metadata: ``run`` and, from format 3, ``confusion``."""
    path = types_path(study)
    if not path.exists():
        return None
    try:
        about: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"orbicyte"])
        version, _ = int(about["format"]), str(about["run"])
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _damaged(study, error) from error
    check_version(path, version, FORMAT)
    return about


def _damaged(study: Study, error: Exception) -> OrbicyteError:
    path = types_path(study)
    return OrbicyteError(f"{path} is damaged ({error}): run 'orbicyte classify {study.path}' again")
