from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.detection.conftest import MPP

from orbicyte.detection.detector import Detector
from orbicyte.detection.reviewed import AT_LEAST, scored, split, windows
from orbicyte.errors import OrbicyteError
from orbicyte.slides.reader import open_slide


def reviewed(slide: str, places_px: list[tuple[float, float]], status: str = "kept") -> pd.DataFrame:
    cells = pd.DataFrame(places_px, columns=["x_px", "y_px"]).assign(slide=slide, diameter_um=12.0, status=status)
    return cells.assign(outline_px=None, x_um=cells["x_px"] * MPP, y_um=cells["y_px"] * MPP)


def row_of(slide: str, number: int) -> pd.DataFrame:
    return reviewed(slide, [(100.0 * i, 50.0) for i in range(number)])


def test_whole_slides_are_held_out() -> None:
    cells = pd.concat([row_of(f"s{i}", AT_LEAST) for i in range(4)], ignore_index=True)
    parts = split(cells, 48.0, seed=0)
    assert set(parts.learn["slide"]) | set(parts.score["slide"]) == {"s0", "s1", "s2", "s3"}
    assert set(parts.learn["slide"]) & set(parts.score["slide"]) == set()
    assert parts.held_out == parts.score["slide"].iloc[0]


def test_of_one_slide_a_part_is_held_out_that_no_window_overlaps() -> None:
    parts = split(row_of("s", 10 * AT_LEAST), 48.0, seed=0)
    assert parts.score["x_um"].min() - parts.learn["x_um"].max() >= 2 * 48.0


@pytest.mark.parametrize("number", [0, 1, AT_LEAST])
def test_too_few_kept_cells_are_an_error(number: int) -> None:
    cells = row_of("s", 500).assign(status=["kept"] * number + ["unchecked"] * (500 - number))
    with pytest.raises(OrbicyteError, match="check more cells"):
        split(cells, 48.0, seed=0)


def test_a_kept_cell_is_a_cell_a_rejected_one_background_and_an_unchecked_one_neither(slide: Path) -> None:
    kept, rejected = reviewed("s", [(300, 300)]), reviewed("s", [(400, 300)], "rejected")
    unchecked = reviewed("s", [(300, 400)], "unchecked")
    cells = pd.concat([kept, rejected, unchecked], ignore_index=True)
    with open_slide(slide) as reader:
        fields = list(windows(reader, cells, 192, MPP, seed=0))
    assert len(fields) == 2
    (field,) = [one for one in fields if one.targets.maps[1][96, 96]]
    _, cell, distance = field.targets.maps
    assert cell.sum() == pytest.approx(np.pi * 24**2, rel=0.05)
    assert distance[96, 96] > 0.9
    at = {"rejected": (96, 191), "unchecked": (191, 96)}
    assert field.targets.valid[1][at["rejected"]]
    assert not cell[at["rejected"]]
    assert not field.targets.valid[:, at["unchecked"][0], at["unchecked"][1]].any()


def test_the_detectors_own_cells_score_1_and_half_of_them_half(detector: Detector, slide: Path) -> None:
    with open_slide(slide) as reader:
        found = detector.detect(reader, "f").assign(slide="s")
        perfect = scored(detector, reader, found.assign(status="kept"))
        halved = scored(detector, reader, found.assign(status=np.resize(["kept", "rejected"], len(found))))
    assert perfect.f1 > 0.95
    assert perfect.truth == len(found)
    assert halved.recall > 0.9
    assert 0.4 < halved.precision < 0.6


def test_a_cell_found_at_an_unchecked_one_is_ignored(detector: Detector, slide: Path) -> None:
    with open_slide(slide) as reader:
        found = detector.detect(reader, "f").assign(slide="s", status="unchecked")
        found.loc[0, "status"] = "kept"
        tally = scored(detector, reader, found)
    assert (tally.matched, tally.found, tally.truth) == (1, 1, 1)
