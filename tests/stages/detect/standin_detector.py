"""A detector for tests: three cells per slide, or another result by the slide's name. Workers import it as a module."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from orbicyte.slides.info import UnreadableSlide
from orbicyte.slides.reader import SlideReader
from orbicyte.study.cells import SCHEMA, cell_id

PLACES = [(20.0, 20.0), (60.0, 20.0), (40.0, 60.0)]
DIAMETER_UM = 5.0


@dataclass(frozen=True)
class StandinDetector:
    """``log``: a folder with a file for every try of a slide; ``places``: positions of the cells, px."""

    log: str
    fingerprint: str = "standin"
    places: tuple[tuple[float, float], ...] = tuple(PLACES)

    def load(self, device: str | None) -> "StandinDetector":
        return self

    def detect(
        self, slide: SlideReader, fingerprint: str, advance: Callable[[int], None] | None = None
    ) -> pd.DataFrame:
        name = slide.info.path.stem
        tries = len(list(Path(self.log).glob(f"{name}.*")))
        Path(self.log, f"{name}.{tries}").touch()
        if "poison" in name or ("once" in name and not tries):
            time.sleep(1)  # by then the results of other workers have reached the client
            os.kill(os.getpid(), signal.SIGKILL)
        if "slow" in name:
            time.sleep(30)
        if "defect" in name:
            raise ValueError("no luck")
        if "white" in name:
            raise UnreadableSlide(slide.info.path, "level 0 at (0, 0) cannot be decoded")
        if advance:
            advance(100)
        return cells([] if "empty" in name else self.places, fingerprint, slide.info.mpp or 0)


def cells(places: list[tuple[float, float]] | tuple[tuple[float, float], ...], slide: str, mpp: float) -> pd.DataFrame:
    """Round cells at ``places`` as a detector's table has them."""
    radius = DIAMETER_UM / mpp / 2
    rows = [(cell_id(slide, x, y), x, y, x * mpp, y * mpp, DIAMETER_UM, 0.9, _diamond(x, y, radius)) for x, y in places]
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _diamond(x: float, y: float, radius: float) -> list[float]:
    return [x - radius, y, x, y - radius, x + radius, y, x, y + radius]
