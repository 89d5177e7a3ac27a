"""Slides as tasks, one per slide: what a worker does, and how far it is."""

import functools
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from orbicyte.cluster import report
from orbicyte.errors import OrbicyteError
from orbicyte.progress import LINE_EVERY_S, print_line
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import SlideReader, open_slide, require_mpp
from orbicyte.study.slides import DetectionRecord, Failure, SlideRecord


class CellFinder(Protocol):
    """A detector that is ready to use. ``fingerprint``: of its weights and settings."""

    fingerprint: str

    def detect(
        self, slide: SlideReader, fingerprint: str, advance: Callable[[int], None] | None = None
    ) -> pd.DataFrame:
        """The cells of ``slide`` with the columns of ``orbicyte.study.cells.SCHEMA``.

        ``advance(n)`` is called when ``n`` more hundredths of the slide are done.
        """
        ...


class DetectorSource(Protocol):
    """The source from which every worker loads its detector; hashable, and pickled with each task."""

    def load(self, device: str | None) -> CellFinder:
        """The detector on ``device``; None: the best one available."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class DetectorFolder:
    """The detector in a folder; None: the one shipped with orbicyte."""

    folder: Path | None = None

    def load(self, device: str | None) -> CellFinder:
        """The detector on ``device``. Raises ``OrbicyteError`` if there is none in the folder."""
        from orbicyte.detection.detector import Detector  # torch: not needed in the process that distributes slides

        return Detector.load(self.folder, device)


@dataclass(frozen=True)
class SlideTask:
    """One slide on which to detect cells.

    ``path``: absolute; ``fingerprint``, ``detector_fingerprint``: of the file and the detector when the task was made,
    to notice another one; ``table_mpp``: µm per pixel that override the file's metadata; ``default_mpp``: µm per pixel
    if the file has none; ``value_range``: black and white as stated, for slides of more than 8 bits.
    """

    name: str
    path: str
    fingerprint: str
    table_mpp: float | None
    default_mpp: float | None
    detector: DetectorSource
    detector_fingerprint: str
    device: str | None
    value_range: tuple[float, float] | None = None

    def failure(self, reason: str, traceback: str | None = None) -> Failure:
        """Why this slide failed; with a traceback if the cause is a defect of orbicyte."""
        return Failure(self.name, self.path, reason, traceback)


@dataclass(frozen=True)
class Found:
    """The result of a task: the slide, the record of its detection, and the cells."""

    slide: SlideRecord
    detection: DetectionRecord
    cells: pd.DataFrame


def find_cells(task: SlideTask, topic: str) -> Found | Failure:
    """The task that a worker runs. Does not raise for an error of one slide, but returns it as a ``Failure``."""
    try:
        return _found(task, topic)
    except OrbicyteError as error:
        return task.failure(str(error))
    except Exception as error:
        return task.failure(f"{type(error).__name__}: {error} (a defect: please report it)", traceback.format_exc())


def _found(task: SlideTask, topic: str) -> Found:
    if not Path(task.path).exists():
        raise OrbicyteError(
            f"{task.path} does not exist on the worker {platform.node()}: all workers need a slide at the same path"
        )
    detector = _loaded(task.detector, task.device)
    with open_slide(task.path, task.table_mpp, task.value_range, task.default_mpp) as slide:
        info, mpp = slide.info, require_mpp(slide.info)
        if info.fingerprint != task.fingerprint:
            raise OrbicyteError(f"{task.path} was changed after this command began: run it again")
        if detector.fingerprint != task.detector_fingerprint:
            raise OrbicyteError(
                f"the worker {platform.node()} has another detector: it needs the same orbicyte, and the same detector "
                "folder at the same path"
            )
        advance = _Advance(lambda percent: report(topic, {"slide": task.name, "percent": percent}))
        cells = detector.detect(slide, info.fingerprint, advance)
    return Found(
        record_of(task.name, info, mpp), DetectionRecord(detector.fingerprint, slide.default_mpp, len(cells)), cells
    )


@functools.lru_cache(maxsize=1)
def _loaded(source: DetectorSource, device: str | None) -> CellFinder:
    return source.load(device)


class _Advance:
    """Sums the progress of a slide in the worker, in percent, and reports it at intervals."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.report, self.percent, self.reported_at = report, 0, time.monotonic()

    def __call__(self, step: int) -> None:
        self.percent += step
        if time.monotonic() - self.reported_at >= LINE_EVERY_S:
            self.report(self.percent)
            self.reported_at = time.monotonic()


class AdvanceLines:
    """Prints the progress of all running slides in one line."""

    def __init__(self) -> None:
        self.percent: dict[str, int] = {}
        self.printed_at = time.monotonic()

    def __call__(self, message: dict[str, Any]) -> None:
        """Takes what ``find_cells`` reports."""
        self.percent[message["slide"]] = message["percent"]
        if time.monotonic() - self.printed_at >= LINE_EVERY_S:
            print_line(", ".join(f"{slide}: {percent} %" for slide, percent in self.percent.items()))
            self.printed_at, self.percent = time.monotonic(), {}
