"""A study with two slides of found cells, without any picture."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from orbicyte.slides.cells import cell_id, write_cells
from orbicyte.slides.registry import SlideRecord, write_record
from orbicyte.study import Study

MPP = 0.25
SIDE_PX = 2048


def found_cells(slide: str, number: int, mpp: float = MPP, side_px: int = SIDE_PX, seed: int = 0) -> pd.DataFrame:
    """A table as the detector leaves it."""
    rng = np.random.default_rng(seed)
    x_px, y_px = rng.uniform(40, side_px - 40, (2, number)).round(2)
    return pd.DataFrame(
        {
            "id": [cell_id(f"{slide}-{index}", x, y) for index, (x, y) in enumerate(zip(x_px, y_px, strict=True))],
            "x_px": x_px,
            "y_px": y_px,
            "x_um": x_px * mpp,
            "y_um": y_px * mpp,
            "diameter_um": rng.uniform(8, 16, number).astype("float32"),
            "score": rng.uniform(0, 1, number).astype("float32"),
            "outline_px": [[x, y, x + 9, y, x, y + 9] for x, y in zip(x_px, y_px, strict=True)],
        }
    )


@pytest.fixture
def found(tmp_path: Path) -> Study:
    """A study with the slides ``a`` (12 cells) and ``b`` (5 cells), nothing decided, no picture."""
    study = Study.create(tmp_path / "study")
    for seed, (slide, number) in enumerate({"a": 12, "b": 5}.items()):
        record = SlideRecord(slide, str(tmp_path / f"{slide}.tif"), "generic-tiff", SIDE_PX, SIDE_PX, MPP, f"f{slide}")
        write_record(study, record)
        write_cells(study, slide, found_cells(slide, number, seed=seed))
    return study


Drafting = Callable[..., dict[str, Any]]


@pytest.fixture
def draft() -> Drafting:
    """Makes an event as a client sends it: ``draft("a", cell, "check", status="kept")``."""

    def make(slide: str, cell: str, kind: str, **after: object) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": kind, "after": after}

    return make
