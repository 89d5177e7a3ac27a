"""agreement: tables of whether readers give cells the same labels."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from orbicyte.classification.agreement import LabelsOfCells, agreements
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.review.agreement import differing_cells, given_labels
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import RESERVED, chosen_classes
from orbicyte.study.files import replacing

ALL = "all"


def agreement(study: Study | Path | str, *, out: Path | None = None, disagreements: Path | None = None) -> pd.DataFrame:
    """The agreement of each pair of readers, overall (type ``all``) and by type, in the study's order.

    Columns: ``reader_1``, ``reader_2``, ``type``, ``cells``, ``kappa`` (NaN where not defined), ``agreement``
    (fraction, of ``all`` only). ``out``: a CSV of this table; ``disagreements``: a CSV of the cells where
    readers disagree. Raises ``OrbicyteError`` if fewer than two readers have labelled cells.
    """
    study = Study.of(study)
    with ReviewStore.open(study) as store:
        labels = given_labels(store)
        table = _table(labels, [*chosen_classes(study), *RESERVED])
        differing = differing_cells(labels, store)
    shared = sum(len(given) > 1 for given in labels.values())
    if table.empty:
        raise OrbicyteError("fewer than two readers have labelled cells: there is nothing to compare")
    for path, content in ((out, table), (disagreements, differing)):
        if path is not None:
            with replacing(path) as temporary:
                content.to_csv(temporary, index=False)
    print_line(f"readers disagree on {len(differing)} of {shared} cells that at least two labelled")
    return table


def _table(labels: LabelsOfCells, order: Sequence[str]) -> pd.DataFrame:
    rows = []
    for pair in agreements(labels, order):
        rows.append((*pair["readers"], ALL, pair["cells"], pair["kappa"], pair["agreement"]))
        rows += [(*pair["readers"], row["type"], row["cells"], row["kappa"], None) for row in pair["by_type"]]
    columns = ["reader_1", "reader_2", "type", "cells", "kappa", "agreement"]
    return pd.DataFrame(rows, columns=columns).astype({"kappa": float, "agreement": float})
