"""Are these slides fit for work? Each is opened and decoded, in places or all of it.

This is done in a process of its own with a time limit: a decoder that crashes or never returns is one slide's trouble
and no other's.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orbicyte.progress import track
from orbicyte.slides.info import SlideInfo, UnreadableSlide
from orbicyte.slides.mpp import table_mpp
from orbicyte.slides.reader import open_slide, require_positive

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

TIME_LIMIT_S = 60.0
WHOLE_TIME_LIMIT_S = 3600.0
PLACES = 8
SIDE_PX = 256
WHOLE_SIDE_PX = 1024


@dataclass(frozen=True)
class Checked:
    """What came of one slide. ``info``: None if it did not open; ``problem``: None if there is none.

    A slide without µm per pixel has a problem and is readable all the same.
    """

    path: Path
    info: SlideInfo | None
    problem: str | None
    readable: bool


def check_slides(
    paths: Sequence[Path],
    mpp: float | None = None,
    mpp_table: Mapping[str, float] | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    processes: int | None = None,
    whole: bool = False,
) -> list[Checked]:
    """Check every one of ``paths``, in their order. What is wrong with a slide is not raised: it is in its row.

    ``mpp``: µm per level-0 pixel of those that ``mpp_table`` (see ``read_mpp_csv``) does not name; both go before
    what the files say. Decodes the corners, the centre and eight random places of every level, or with
    ``whole`` all of it. Raises ``OrbicyteError`` for an ``mpp`` that is none.
    """
    require_positive(mpp)
    given = [table_mpp(mpp_table or {}, path) or mpp for path in paths]
    jobs = _run(paths, given, time_limit_s, processes or os.cpu_count() or 1, whole)
    rows = dict(track(jobs, "slides", len(paths)))
    return [rows[number] for number in range(len(paths))]


def check_slide(path: Path, mpp: float | None = None, *, whole: bool = False) -> Checked:
    """Check one slide in this process."""
    info = None
    try:
        with open_slide(path, mpp) as slide:
            info = slide.info
            for place in _everywhere(slide.info) if whole else _places(slide.info):
                slide.region(*place)
    except UnreadableSlide as error:
        return Checked(path, info, error.reason, readable=False)
    if info.mpp is None:
        return Checked(path, info, "no µm per pixel: give --mpp or --mpp-csv", readable=True)
    return Checked(path, info, None, readable=True)


Place = tuple[int, int, int, int, int]
"""What ``SlideReader.region`` takes."""


def _places(info: SlideInfo) -> Iterator[Place]:
    random = np.random.default_rng(0)
    for level, (size, down) in enumerate(zip(info.level_sizes, info.downsamples, strict=True)):
        width_px, height_px = (min(SIDE_PX, side) for side in size)
        last = np.array([size[0] - width_px, size[1] - height_px])
        corners = [last * (x, y) for x in (0, 1) for y in (0, 1)]
        for x, y in [*corners, last // 2, *random.integers(0, last + 1, (PLACES, 2))]:
            yield int(x * down), int(y * down), width_px, height_px, level


def _everywhere(info: SlideInfo) -> Iterator[Place]:
    for level, ((width_px, height_px), down) in enumerate(zip(info.level_sizes, info.downsamples, strict=True)):
        for y in range(0, height_px, WHOLE_SIDE_PX):
            for x in range(0, width_px, WHOLE_SIDE_PX):
                size_px = (min(WHOLE_SIDE_PX, width_px - x), min(WHOLE_SIDE_PX, height_px - y))
                yield int(x * down), int(y * down), *size_px, level


@dataclass(frozen=True)
class _Job:
    number: int
    path: Path
    process: multiprocessing.process.BaseProcess
    until_s: float

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def _run(
    paths: Sequence[Path], mpp: Sequence[float | None], time_limit_s: float, processes: int, whole: bool
) -> Iterator[tuple[int, Checked]]:
    """Numbers and rows, as they are done. All processes are gone when this ends, however it ends."""
    context = _context()
    waiting, running = list(range(len(paths))), dict[Connection, _Job]()
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                number = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(sender, paths[number], mpp[number], whole), daemon=True)
                process.start()
                sender.close()  # so that the end of the process ends the pipe
                running[receiver] = _Job(number, paths[number], process, time.monotonic() + time_limit_s)
            next_s = min(job.until_s for job in running.values()) - time.monotonic()
            wait(list(running), max(0.0, next_s))
            for receiver in _ended(running):
                job = running.pop(receiver)
                yield job.number, _outcome(receiver, job, time_limit_s)
                job.end()
    finally:
        for job in running.values():
            job.end()


def _context() -> "ForkServerContext | SpawnContext":
    """Processes that share no state with this one, and start in milliseconds where the system can do that."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _ended(running: dict[Connection, _Job]) -> list[Connection]:
    """Those that sent a row, died, or are late."""
    return [receiver for receiver, job in running.items() if receiver.poll() or job.until_s <= time.monotonic()]


def _outcome(receiver: Connection, job: _Job, time_limit_s: float) -> Checked:
    """The row that was sent; or that the process died, or was late."""
    if not receiver.poll():
        return Checked(job.path, None, f"stuck: no answer within {time_limit_s:g} s", readable=False)
    with suppress(EOFError):
        row: Checked = receiver.recv()
        return row
    job.process.join()
    code = job.process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Checked(job.path, None, f"damaged: the decoder crashed ({how})", readable=False)


def _work(sender: Connection, path: Path, mpp: float | None, whole: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one sees to its end
    try:
        row = check_slide(path, mpp, whole=whole)
    except Exception as error:  # whatever a decoder raises is this slide's trouble
        row = Checked(path, None, f"{type(error).__name__}: {' '.join(str(error).split())}", readable=False)
    sender.send(row)
