"""agreement: whether readers give cells the same names, as tables."""

from pathlib import Path

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.review.agreement import Names, agreements, differing_cells, given_names
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.files import replacing

ALL = "all"


def agreement(study: Study | Path | str, *, out: Path | None = None, disagreements: Path | None = None) -> pd.DataFrame:
    """The agreement of each pair of readers, overall (type ``all``) and by type.

    Columns: ``reader_1``, ``reader_2``, ``type``, ``cells``, ``kappa`` (NaN where not defined), ``agreement`` (share,
    of ``all`` alone). ``out``: a CSV of it; ``disagreements``: a CSV of the cells on which readers disagree. Raises
    ``OrbicyteError`` if fewer than two readers named cells.
    """
    with ReviewStore.open(Study.of(study)) as store:
        names = given_names(store)
        table = _table(names)
        differing = differing_cells(names, store)
    shared = sum(len(given) > 1 for given in names.values())
    if table.empty:
        raise OrbicyteError("fewer than two readers have named cells: there is nothing to compare")
    for path, content in ((out, table), (disagreements, differing)):
        if path is not None:
            with replacing(path) as temporary:
                content.to_csv(temporary, index=False)
    print_line(f"readers disagree on {len(differing)} of {shared} cells that at least two named")
    return table


def _table(names: Names) -> pd.DataFrame:
    rows = []
    for pair in agreements(names):
        rows.append((*pair["readers"], ALL, pair["cells"], pair["kappa"], pair["agreement"]))
        rows += [(*pair["readers"], row["type"], row["cells"], row["kappa"], None) for row in pair["by_type"]]
    columns = ["reader_1", "reader_2", "type", "cells", "kappa", "agreement"]
    return pd.DataFrame(rows, columns=columns).astype({"kappa": float, "agreement": float})
