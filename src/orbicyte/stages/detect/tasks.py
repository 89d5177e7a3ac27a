"""Slides as Dask tasks, one a slide: on processes of this machine, or on any scheduler there is."""

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
from orbicyte.slides.reader import SlideReader, open_slide, require_mpp
from orbicyte.study.slides import DetectionRecord, Failure, SlideRecord

CORES_A_WORKER = 4
"""More threads than this gain a U-Net little, and the watershed after it nothing."""
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
    """Where every worker gets its detector from; hashable, and pickled with each task."""

    def load(self, device: str | None) -> CellFinder:
        """The detector on ``device``; None: the best there is."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class DetectorFolder:
    """The detector in a folder; None: the one that comes with orbicyte."""

    folder: Path | None = None

    def load(self, device: str | None) -> CellFinder:
        """The detector on ``device``. Raises ``OrbicyteError`` if there is none in the folder."""
        from orbicyte.detection.detector import Detector  # torch: not needed in a process that hands out slides

        return Detector.load(self.folder, device)


@dataclass(frozen=True)
class SlideTask:
    """One slide to look for cells on.

    ``path``: absolute; ``fingerprint``: what the file had when the task was made; ``table_mpp``: µm per pixel that
    goes before what the file says; ``default_mpp``: where the file says none.
    """

    name: str
    path: str
    fingerprint: str
    table_mpp: float | None
    default_mpp: float | None
    detector: DetectorSource
    device: str | None

    def failure(self, reason: str, traceback: str | None = None) -> Failure:
        """Why this slide failed; with a traceback where it is a defect."""
        return Failure(self.name, self.path, reason, traceback)


@dataclass(frozen=True)
class Found:
    """What a task brings back: the slide, what found its cells, and the cells."""

    slide: SlideRecord
    detection: DetectionRecord
    cells: pd.DataFrame


@dataclass
class Cluster:
    """Who does the tasks. ``window``: how many are handed out at once."""

    client: Client
    window: int
    topic: str = field(default_factory=lambda: f"orbicyte-{uuid.uuid4().hex}")


@contextmanager
def local_cluster(slides: int, workers: int | None, device: str | None) -> Iterator[Cluster]:
    """Worker processes of this machine: one a GPU, or one for every four cores, but no more than ``slides``."""
    workers = min(slides, workers or _gpus(device) or max(1, CPU_COUNT // CORES_A_WORKER))
    threads = max(1, CPU_COUNT // workers)
    environment = {f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")}
    config = {
        "distributed.nanny.pre-spawn-environ": environment,
        # Tried again by `finished`, alone: then no other slide fails with one that always kills its worker.
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
    """Ctrl-C waits for the end of the block; threads and processes that begin in it, and theirs, never get it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it lets Ctrl-C through to the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def remote_cluster(address: str, slides: int) -> Iterator[Cluster]:
    """The workers of the Dask scheduler at ``address``. Raises ``OrbicyteError`` if none answers."""
    try:
        client = Client(address, timeout=CONNECT_WITHIN_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise OrbicyteError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split())}): expected --scheduler HOST:PORT"
        ) from error
    with client:
        if not client.nthreads():
            warn(f"the scheduler at {address} has no workers yet: waiting for some")
        yield Cluster(client, window=slides)


def finished(cluster: Cluster, tasks: Sequence[SlideTask]) -> Iterator[Found | Failure]:
    """Do ``tasks`` and yield the outcome of each, as they end.

    A slide whose worker died is done again at the end, alone: there is then more memory for it, and if it kills its
    worker again, it has failed and no other slide with it.
    """
    cluster.client.subscribe_topic(cluster.topic, _AdvanceLines())
    died = []
    for task, outcome in _pass(cluster, tasks, cluster.window):
        if outcome is None:
            warn(f"{task.name}: its worker was killed; it is done again at the end, alone")
            died.append(task)
        else:
            yield outcome
    for task, outcome in _pass(cluster, died, window=1):
        yield outcome or task.failure("its worker was killed twice: by a crash, or by the system for lack of memory")


def _pass(
    cluster: Cluster, tasks: Sequence[SlideTask], window: int
) -> Iterator[tuple[SlideTask, Found | Failure | None]]:
    """Each task with what came of it; None where its worker died."""
    waiting = iter(tasks)
    running: dict[Future[Any], SlideTask] = {}
    ended = as_completed()

    def hand_out(number: int) -> None:
        for _, task in zip(range(number), waiting, strict=False):
            key = f"orbicyte-{task.name}-{uuid.uuid4().hex}"
            future = cluster.client.submit(find_cells, task, cluster.topic, key=key, pure=False)
            running[future] = task
            ended.add(future)

    hand_out(window)
    for futures in ended.batches():
        # Fetched and let go before more is handed out: a result lives in its worker, and would die with it.
        outcomes = [(task := running.pop(future), _outcome(future, task)) for future in futures]
        for future in futures:
            future.release()
        hand_out(len(outcomes))
        yield from outcomes


def _outcome(future: "Future[Any]", task: SlideTask) -> Found | Failure | None:
    if future.status in ("cancelled", "lost"):
        raise OrbicyteError("lost the Dask scheduler; what is done is kept: the same command goes on from there")
    error = future.exception()
    if error is None:
        result: Found | Failure = future.result()
        return result
    if isinstance(error, KilledWorker):
        return None
    return task.failure(f"{type(error).__name__}: {error} (workers need the same orbicyte, and its packages)")


def find_cells(task: SlideTask, topic: str) -> Found | Failure:
    """What a worker does. Never raises for one slide's sake: the reason goes back in a form that every client reads."""
    try:
        return _found(task, topic)
    except OrbicyteError as error:
        return task.failure(str(error))
    except Exception as error:
        return task.failure(f"{type(error).__name__}: {error} (a defect: please report it)", traceback.format_exc())


def _found(task: SlideTask, topic: str) -> Found:
    if not Path(task.path).exists():
        raise OrbicyteError(
            f"{task.path} is not there for the worker on {platform.node()}: a slide must lie where every worker sees it"
        )
    worker = get_worker()
    detector = _loaded(task.detector, _device(task.device, worker.name))
    with _opened(task) as (slide, given_mpp):
        info, mpp = slide.info, require_mpp(slide.info)
        if info.fingerprint != task.fingerprint:
            raise OrbicyteError(f"{task.path} changed after this command began: run it again")
        advance = _Advance(lambda percent: worker.log_event(topic, {"slide": task.name, "percent": percent}))
        cells = detector.detect(slide, info.fingerprint, advance)
    record = SlideRecord(task.name, task.path, info.vendor, info.width_px, info.height_px, mpp, info.fingerprint)
    return Found(record, DetectionRecord(detector.fingerprint, given_mpp, len(cells)), cells)


@contextmanager
def _opened(task: SlideTask) -> Iterator[tuple[SlideReader, float | None]]:
    """The slide, and the default µm per pixel if it took that."""
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
    """The GPU of a local worker, whose name is its number; what was asked for elsewhere."""
    gpus = _gpus(device)
    return f"cuda:{worker % gpus}" if gpus > 1 and isinstance(worker, int) else device


def _gpus(device: str | None) -> int:
    """How many GPUs ``device`` lets orbicyte choose from; 0 where it names one device."""
    if device not in (None, "cuda"):
        return 0
    import torch  # takes seconds, for nothing where the device is named

    return torch.cuda.device_count()


class _Advance:
    """Adds up in the worker how far a slide is, in hundredths, and tells it now and then."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell, self.percent, self.told_at = tell, 0, time.monotonic()

    def __call__(self, step: int) -> None:
        self.percent += step
        if time.monotonic() - self.told_at >= LINE_EVERY_S:
            self.tell(self.percent)
            self.told_at = time.monotonic()


class _AdvanceLines:
    """Says in one line for all running slides how far they are."""

    def __init__(self) -> None:
        self.percent: dict[str, int] = {}
        self.said_at = time.monotonic()

    def __call__(self, event: tuple[float, dict[str, Any]]) -> None:
        self.percent[event[1]["slide"]] = event[1]["percent"]
        if time.monotonic() - self.said_at >= LINE_EVERY_S:
            print_line(", ".join(f"{slide}: {percent} %" for slide, percent in self.percent.items()))
            self.said_at, self.percent = time.monotonic(), {}
