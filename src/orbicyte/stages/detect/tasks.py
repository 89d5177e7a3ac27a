"""Slides as Dask tasks, one per slide: on processes of this machine, or on any Dask scheduler."""

import functools
import platform
import signal
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from logging import CRITICAL
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol

import dask
import pandas as pd
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed, get_worker

from orbicyte.errors import OrbicyteError
from orbicyte.progress import LINE_EVERY_S, print_line, warn
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import SlideReader, open_slide, require_mpp
from orbicyte.study.slides import DetectionRecord, Failure, SlideRecord

CORES_PER_WORKER = 4
"""More threads speed up a U-Net little, and the watershed after it not at all."""
CONNECT_WITHIN_S = 15


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
    to notice another one; ``table_mpp``: µm per pixel that override
    the file's metadata; ``default_mpp``: µm per pixel if the file has none.
    """

    name: str
    path: str
    fingerprint: str
    table_mpp: float | None
    default_mpp: float | None
    detector: DetectorSource
    detector_fingerprint: str
    device: str | None

    def failure(self, reason: str, traceback: str | None = None) -> Failure:
        """Why this slide failed; with a traceback if the cause is a defect of orbicyte."""
        return Failure(self.name, self.path, reason, traceback)


@dataclass(frozen=True)
class Found:
    """The result of a task: the slide, the record of its detection, and the cells."""

    slide: SlideRecord
    detection: DetectionRecord
    cells: pd.DataFrame


@dataclass
class Cluster:
    """The Dask client for the tasks. ``window``: the number of tasks that are submitted at the same time."""

    client: Client
    window: int
    topic: str = field(default_factory=lambda: f"orbicyte-{uuid.uuid4().hex}")


@contextmanager
def local_cluster(slides: int, workers: int | None, device: str | None) -> Iterator[Cluster]:
    """Worker processes of this machine: one per GPU, or one per four cores, but no more than ``slides``."""
    workers = min(slides, workers or _gpus(device) or max(1, CPU_COUNT // CORES_PER_WORKER))
    threads = max(1, CPU_COUNT // workers)
    environment = {f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")}
    config = {
        "distributed.nanny.pre-spawn-environ": environment,
        # `finished` tries again, with one slide at a time: then a slide that always kills its worker fails alone.
        "distributed.scheduler.allowed-failures": 0,
    }
    with dask.config.set(config), ExitStack() as stack:
        with _ctrl_c_held():
            local = LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=CRITICAL
            )
            client = stack.enter_context(Client(stack.enter_context(local)))
        yield Cluster(client, window=workers)


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block; threads and processes started within it never receive it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it unblocks Ctrl-C in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def remote_cluster(address: str, slides: int) -> Iterator[Cluster]:
    """The workers of the Dask scheduler at ``address``. Raises ``OrbicyteError`` if it does not answer."""
    try:
        client = Client(address, timeout=CONNECT_WITHIN_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise OrbicyteError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split())}): expected --scheduler HOST:PORT"
        ) from error
    with client:
        if not client.nthreads():
            warn(f"the scheduler at {address} has no workers yet: waiting for workers")
        yield Cluster(client, window=slides)


def finished(cluster: Cluster, tasks: Sequence[SlideTask]) -> Iterator[Found | Failure]:
    """Do ``tasks`` and yield the result of each when it is finished.

    A slide whose worker was killed is processed again at the end, alone: then more memory is available, and if it kills
    its worker again, only this slide fails.
    """
    cluster.client.subscribe_topic(cluster.topic, _AdvanceLines())
    died = []
    for task, outcome in _pass(cluster, tasks, cluster.window):
        if outcome is None:
            warn(f"{task.name}: its worker was killed; it is processed again at the end, alone")
            died.append(task)
        else:
            yield outcome
    for task, outcome in _pass(cluster, died, window=1):
        yield outcome or task.failure("its worker was killed twice: by a crash, or by the system because of low memory")


def _pass(
    cluster: Cluster, tasks: Sequence[SlideTask], window: int
) -> Iterator[tuple[SlideTask, Found | Failure | None]]:
    """Each task with its result; None if its worker was killed."""
    waiting = iter(tasks)
    running: dict[Future[Any], SlideTask] = {}
    ended = as_completed()

    def submit(number: int) -> None:
        for _, task in zip(range(number), waiting, strict=False):
            key = f"orbicyte-{task.name}-{uuid.uuid4().hex}"
            future = cluster.client.submit(find_cells, task, cluster.topic, key=key, pure=False)
            running[future] = task
            ended.add(future)

    submit(window)
    for futures in ended.batches():
        # Fetch and release results before submitting more: a result is in its worker, and is lost if that is killed.
        outcomes = [(task := running.pop(future), _outcome(future, task)) for future in futures]
        for future in futures:
            future.release()
        submit(len(outcomes))
        yield from outcomes


def _outcome(future: "Future[Any]", task: SlideTask) -> Found | Failure | None:
    if future.status in ("cancelled", "lost"):
        raise OrbicyteError("lost the Dask scheduler; finished slides are kept: run the same command again to continue")
    error = future.exception()
    if error is None:
        result: Found | Failure = future.result()
        return result
    if isinstance(error, KilledWorker):
        return None
    return task.failure(f"{type(error).__name__}: {error} (workers need the same orbicyte, and its packages)")


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
    worker = get_worker()
    detector = _loaded(task.detector, _device(task.device, worker.name))
    with _opened(task) as (slide, given_mpp):
        info, mpp = slide.info, require_mpp(slide.info)
        if info.fingerprint != task.fingerprint:
            raise OrbicyteError(f"{task.path} was changed after this command began: run it again")
        if detector.fingerprint != task.detector_fingerprint:
            raise OrbicyteError(
                f"the worker {platform.node()} has another detector: it needs the same orbicyte, and the same detector "
                "folder at the same path"
            )
        advance = _Advance(lambda percent: worker.log_event(topic, {"slide": task.name, "percent": percent}))
        cells = detector.detect(slide, info.fingerprint, advance)
    return Found(record_of(task.name, info, mpp), DetectionRecord(detector.fingerprint, given_mpp, len(cells)), cells)


@contextmanager
def _opened(task: SlideTask) -> Iterator[tuple[SlideReader, float | None]]:
    """The slide, and the default µm per pixel if that was used."""
    with open_slide(task.path, task.table_mpp) as slide:
        if slide.info.mpp is not None or task.default_mpp is None:
            yield slide, None
            return
    with open_slide(task.path, task.default_mpp) as slide:
        yield slide, task.default_mpp


@functools.lru_cache(maxsize=1)
def _loaded(source: DetectorSource, device: str | None) -> CellFinder:
    return source.load(device)


def _device(device: str | None, worker: Any) -> str | None:
    """The GPU of a local worker, whose name is a number; else the requested device."""
    gpus = _gpus(device)
    return f"cuda:{worker % gpus}" if gpus > 1 and isinstance(worker, int) else device


def _gpus(device: str | None) -> int:
    """The number of GPUs that ``device`` allows; 0 if it is one specific device."""
    if device not in (None, "cuda"):
        return 0
    import torch  # takes seconds, and is not needed for a specific device

    return torch.cuda.device_count()


class _Advance:
    """Sums the progress of a slide in the worker, in percent, and reports it at intervals."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.report, self.percent, self.reported_at = report, 0, time.monotonic()

    def __call__(self, step: int) -> None:
        self.percent += step
        if time.monotonic() - self.reported_at >= LINE_EVERY_S:
            self.report(self.percent)
            self.reported_at = time.monotonic()


class _AdvanceLines:
    """Prints the progress of all running slides in one line."""

    def __init__(self) -> None:
        self.percent: dict[str, int] = {}
        self.printed_at = time.monotonic()

    def __call__(self, event: tuple[float, dict[str, Any]]) -> None:
        self.percent[event[1]["slide"]] = event[1]["percent"]
        if time.monotonic() - self.printed_at >= LINE_EVERY_S:
            print_line(", ".join(f"{slide}: {percent} %" for slide, percent in self.percent.items()))
            self.printed_at, self.percent = time.monotonic(), {}
