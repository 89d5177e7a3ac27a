"""Check slides: open each one and decode some regions, or all of it.

Each check runs in its own process with a time limit: a decoder that crashes or hangs affects one slide only.
"""

import math
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
RANDOM_REGIONS = 8
SIDE_PX = 256
WHOLE_SIDE_PX = 1024


@dataclass(frozen=True)
class Checked:
    """The result of one check. ``info``: None if the slide did not open; ``problem``: None if there is none.

    A slide without µm per pixel has a problem but is readable.
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
    value_range: tuple[float, float] | None = None,
) -> list[Checked]:
    """Check each of ``paths``; results are in their order. A problem with a slide is not raised: see ``Checked``.

    ``mpp``: µm per level-0 pixel of slides whose file has none; ``mpp_table`` (see ``read_mpp_csv``) overrides the
    files' metadata, as in ``detect``. Decodes the corners, the centre and eight random regions of every level, or with
    ``whole`` all of it. ``value_range``: black and white of slides of more than 8 bits, None: decided from each. Raises
    ``OrbicyteError`` for an ``mpp`` that is not a positive number.
    """
    require_positive(mpp)
    given = [(table_mpp(mpp_table or {}, path), mpp) for path in paths]
    jobs = _run(paths, given, time_limit_s, processes or os.cpu_count() or 1, whole, value_range)
    rows = dict(track(jobs, "slides", len(paths)))
    return [rows[number] for number in range(len(paths))]


def check_slide(
    path: Path,
    table_mpp: float | None = None,
    default_mpp: float | None = None,
    *,
    whole: bool = False,
    value_range: tuple[float, float] | None = None,
) -> Checked:
    """Check one slide in this process. ``table_mpp``: overrides the file's; ``default_mpp``: if it has none."""
    info = None
    try:
        with open_slide(path, table_mpp, value_range, default_mpp) as slide:
            info = slide.info
            for region in _all_regions(slide.info) if whole else _some_regions(slide.info):
                slide.region(*region)
    except UnreadableSlide as error:
        return Checked(path, info, error.reason, readable=False)
    if info.mpp is None:
        why = "" if info.why_no_mpp is None else f"{info.why_no_mpp}; "
        return Checked(path, info, f"no µm per pixel: {why}give --mpp or --mpp-csv", readable=True)
    return Checked(path, info, None, readable=True)


GivenMpp = tuple[float | None, float | None]
"""µm per pixel from a table, and those of slides whose file has none."""

Region = tuple[int, int, int, int, int]
"""The arguments of ``SlideReader.region``."""


def _some_regions(info: SlideInfo) -> Iterator[Region]:
    random = np.random.default_rng(0)
    for level, (size, down) in enumerate(zip(info.level_sizes, info.downsamples, strict=True)):
        width_px, height_px = (min(SIDE_PX, side) for side in size)
        last = np.array([size[0] - width_px, size[1] - height_px])
        corners = [last * (x, y) for x in (0, 1) for y in (0, 1)]
        for x, y in [*corners, last // 2, *random.integers(0, last + 1, (RANDOM_REGIONS, 2))]:
            yield int(x * down), int(y * down), width_px, height_px, level


def _all_regions(info: SlideInfo) -> Iterator[Region]:
    for level, ((width_px, height_px), down) in enumerate(zip(info.level_sizes, info.downsamples, strict=True)):
        for y in range(0, height_px, WHOLE_SIDE_PX):
            for x in range(0, width_px, WHOLE_SIDE_PX):
                size_px = (min(WHOLE_SIDE_PX, width_px - x), min(WHOLE_SIDE_PX, height_px - y))
                yield int(x * down), int(y * down), *size_px, level


@dataclass
class _Job:
    """A check in a process; ``until_s``: its time limit, which starts when the process has imported what it needs."""

    number: int
    path: Path
    process: multiprocessing.process.BaseProcess
    until_s: float = math.inf

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def _run(
    paths: Sequence[Path],
    mpp: Sequence[GivenMpp],
    time_limit_s: float,
    processes: int,
    whole: bool,
    value_range: tuple[float, float] | None,
) -> Iterator[tuple[int, Checked]]:
    """Each path's index and result, in the order in which they finish. No process remains when this ends."""
    context = _context()
    waiting, running = list(range(len(paths))), dict[Connection, _Job]()
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                number = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                work = (sender, paths[number], mpp[number], whole, value_range)
                process = context.Process(target=_work, args=work, daemon=True)
                process.start()
                sender.close()  # then the pipe closes when the process ends
                running[receiver] = _Job(number, paths[number], process)
            next_s = min(job.until_s for job in running.values()) - time.monotonic()
            ready = wait(list(running), None if next_s == math.inf else max(0.0, next_s))
            for receiver, job in list(running.items()):
                row = _received(receiver, job, time_limit_s) if receiver in ready else _stuck(job, time_limit_s)
                if row is not None:
                    del running[receiver]
                    yield job.number, row
                    job.end()
    finally:
        for job in running.values():
            job.end()


def _context() -> "ForkServerContext | SpawnContext":
    """Processes that share no state with this one; where the system allows it, they start in milliseconds."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _stuck(job: _Job, time_limit_s: float) -> Checked | None:
    """The result of a process that exceeded its time limit; None before that."""
    if time.monotonic() < job.until_s:
        return None
    return Checked(job.path, None, f"stuck: no answer within {time_limit_s:g} s", readable=False)


def _received(receiver: Connection, job: _Job, time_limit_s: float) -> Checked | None:
    """What a process sent: first None, when it begins, then its result; that it crashed, if it sent none."""
    with suppress(EOFError):
        row: Checked | None = receiver.recv()
        job.until_s = time.monotonic() + time_limit_s
        return row
    job.process.join()
    code = job.process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Checked(job.path, None, f"damaged: the decoder crashed ({how})", readable=False)


def _work(sender: Connection, path: Path, mpp: GivenMpp, whole: bool, value_range: tuple[float, float] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    sender.send(None)
    try:
        row = check_slide(path, *mpp, whole=whole, value_range=value_range)
    except Exception as error:  # any error of a decoder is a problem of this slide only
        row = Checked(path, None, f"{type(error).__name__}: {' '.join(str(error).split())}", readable=False)
    sender.send(row)
