"""CSV: one row per cell."""

from pathlib import Path

import pandas as pd

from orbicyte.study.files import replacing

COLUMNS = ["slide", "id", "x_px", "y_px", "x_um", "y_um", "diameter_um", "score", "status", "label"]
COLUMNS += ["labelled_by", "reviewer"]
DECIMALS = {"x_px": 2, "y_px": 2, "x_um": 3, "y_um": 3, "diameter_um": 3, "score": 4}


TEXTS = ["slide", "label", "labelled_by", "reviewer"]
FORMULA = r"^(?=[=+\-@\t\r])"


def write_csv(path: Path, cells: pd.DataFrame) -> None:
    """Write ``cells`` (the columns of ``orbicyte.review.cells``) without outlines; on an error the old file is kept.

    A text that a spreadsheet would read as a formula, because it begins with = + - @, gets an apostrophe before it.
    Raises ``OrbicyteError`` for a full disk.
    """
    texts = {name: cells[name].astype("string").str.replace(FORMULA, "'", regex=True) for name in TEXTS}
    with replacing(path) as temporary:
        cells[COLUMNS].assign(**texts).round(DECIMALS).to_csv(temporary, index=False)
