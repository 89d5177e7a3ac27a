"""CSV: one row a cell."""

from pathlib import Path

import pandas as pd

from orbicyte.study.files import replacing

COLUMNS = ["slide", "id", "x_px", "y_px", "x_um", "y_um", "diameter_um", "score", "status", "label"]
COLUMNS += ["labelled_by", "reviewer"]
DECIMALS = {"x_px": 2, "y_px": 2, "x_um": 3, "y_um": 3, "diameter_um": 3, "score": 4}


TEXTS = ["slide", "label", "labelled_by", "reviewer"]
FORMULA = r"^(?=[=+\-@\t\r])"


def write_csv(path: Path, cells: pd.DataFrame) -> None:
    """Write ``cells`` (the columns of ``orbicyte.review.cells``) without outlines, whole or not at all.

    What a spreadsheet would take for a formula, as it begins with = + - @, gets an apostrophe before it.
    """
    texts = {name: cells[name].astype("string").str.replace(FORMULA, "'", regex=True) for name in TEXTS}
    with replacing(path) as temporary:
        cells[COLUMNS].assign(**texts).round(DECIMALS).to_csv(temporary, index=False)
