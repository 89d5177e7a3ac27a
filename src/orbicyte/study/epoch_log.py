"""Reading the log of a training: one row per epoch."""

import math

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import read_bytes
from orbicyte.study.runs import RunFolder, RunRecord

ADVICE = "delete it: only the curves in the report need it"
REQUIRED = ("epoch", "train_loss", "validation_loss")


def read_log(run: RunFolder, record: RunRecord) -> pd.DataFrame | None:
    """The log of ``run``, one column of numbers for each name in its first line; None where it is lost.

    Raises ``OrbicyteError`` if it is damaged, or not the one that the training with this ``record`` wrote.
    """
    if not run.log.exists():
        return None
    run.check(record, run.log)
    content = read_bytes(run.log)
    try:
        header, *lines = [line.split(",") for line in content.decode("utf-8").splitlines()] or [[]]
        missing = [name for name in REQUIRED if header.count(name) != 1]
        if missing:
            raise ValueError(f"it has no column {missing[0]!r}, or several")
        if any(len(line) != len(header) for line in lines):
            raise ValueError(f"expected {len(header)} values in each line")
        table = pd.DataFrame([[float(value or "nan") for value in line] for line in lines], columns=header)
        for name in REQUIRED:
            if not all(map(math.isfinite, table[name])):
                raise ValueError(f"{name} has values that are not finite")
    except ValueError as error:
        raise OrbicyteError(f"{run.log} is damaged: {error}; {ADVICE}") from error
    return table
