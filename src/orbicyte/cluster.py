"""Tasks on Dask: on worker processes of this machine, or on the workers of any Dask scheduler."""

import os
import platform
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import metadata
from logging import CRITICAL, getLogger
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol, TypeVar

import dask
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, Nanny, Scheduler, SpecCluster, Worker, as_completed, get_worker
from distributed.protocol.pickle import dumps, loads

from orbicyte.errors import OrbicyteError
from orbicyte.progress import warn
from orbicyte.text import examples_of, number_of

CONNECT_WITHIN_S = 15
PACKAGE = Path(__file__).parent
GPU = "GPU"
"""The Dask resource of which a task takes one, on workers that have it."""


class Task(Protocol):
    """What a worker does; pickled, so small. ``name``: how messages call it."""

    @property
    def name(self) -> str:
        """Unique among the tasks."""
        ...


T = TypeVar("T", bound=Task)
R = TypeVar("R")
Listener = Callable[[dict[str, Any]], None]
"""Takes what a worker reported with ``report``; called in another thread."""
Check = Callable[[Worker], None]


@dataclass(frozen=True)
class Lost:
    """A task without a result, and the reason."""

    reason: str


class UnfitWorkerError(OrbicyteError):
    """The worker cannot do any task of this command."""


@dataclass(frozen=True)
class Unfit(Lost):
    """What a worker that can do no task returns; lost only if there is no other worker."""

    address: str


@dataclass(frozen=True)
class Killed(Lost):
    """The worker that did the task was killed."""

    reason: str = "each worker that did it was killed: by a crash, or by the system because of low memory"


@dataclass
class Cluster:
    """The Dask client for the tasks.

    ``workers``: how many there are at the start; ``window``: how many tasks are submitted at the same time;
    ``resources``: what each task takes of its worker.
    """

    client: Client
    workers: int
    window: int
    resources: dict[str, int] = field(default_factory=dict)
    topic: str = field(default_factory=lambda: f"orbicyte-{uuid.uuid4().hex}")

    def finished(
        self, do: Callable[[T, str], R], tasks: Sequence[T], listen: Listener | None = None
    ) -> Iterator[tuple[T, R | Lost]]:
        """Call ``do(task, topic)`` in a worker for each task, and yield it with its result when it is finished.

        A task whose worker was killed is done again at the end, alone on its machine: then more memory is available,
        and if it kills its worker again, only this task is lost. A worker on which ``do`` raises ``UnfitWorkerError``
        is stopped, and others do its tasks; if it was the last one, all tasks that are left are lost. ``do`` must be
        importable in the workers; what it sends with ``report(topic, ...)`` goes to ``listen``. Raises
        ``OrbicyteError`` if the scheduler is lost.
        """
        if listen:
            self.client.subscribe_topic(self.topic, lambda event: listen(event[1]))
        died = []
        for task, outcome in self._pass(do, tasks, self.window):
            if isinstance(outcome, Killed):
                warn(f"{task.name}: its worker was killed; it is processed again at the end, alone on its machine")
                died.append(task)
            else:
                yield task, outcome
        yield from self._pass(do, died, window=self._machines())

    def _machines(self) -> int:
        """The number of machines that the workers are on now; at least 1."""
        return max(1, len({worker["host"] for worker in _workers(self.client).values()}))

    def _pass(self, do: Callable[[T, str], R], tasks: Sequence[T], window: int) -> Iterator[tuple[T, R | Lost]]:
        """Each task with its result."""
        waiting = deque(tasks)
        running: dict[Future[Any], T] = {}
        ended = as_completed()
        release = own_release()

        def submit(number: int) -> None:
            for task in [waiting.popleft() for _ in range(min(number, len(waiting)))]:
                key = f"orbicyte-{task.name}-{uuid.uuid4().hex}"
                arguments = (dumps((do, task)), self.topic, release)
                future = self.client.submit(_do, *arguments, key=key, pure=False, resources=self.resources or None)
                running[future] = task
                ended.add(future)

        submit(window)
        for futures in ended.batches():
            # Fetch and release results before submitting more: a result is in its worker, and is lost with it.
            outcomes = [(running.pop(future), _outcome(future)) for future in futures]
            for future in futures:
                future.release()
            unfit = {outcome.address: outcome.reason for _, outcome in outcomes if isinstance(outcome, Unfit)}
            if unfit and not self._others_left(unfit):
                yield from outcomes
                self.client.cancel([*running])
                reason = f"no worker is left: {'; '.join(sorted(set(unfit.values())))}"
                yield from ((task, Lost(reason)) for task in (*running.values(), *waiting))
                return
            waiting.extend(task for task, outcome in outcomes if isinstance(outcome, Unfit))
            submit(len(futures))
            yield from ((task, outcome) for task, outcome in outcomes if not isinstance(outcome, Unfit))

    def _others_left(self, unfit: Mapping[str, str]) -> bool:
        """Stop these workers, with a warning each; whether there are others.

        A worker that can do nothing is always free, and would take all tasks.
        """
        present = _workers(self.client)
        for address in unfit.keys() & present.keys():
            warn(f"the worker {address} is stopped: {unfit[address]}")
        self.client.retire_workers([*(unfit.keys() & present.keys())])
        return bool(_workers(self.client).keys() - unfit.keys())


def report(topic: str, message: dict[str, Any]) -> None:
    """Send ``message`` from a worker to the command that listens; for tasks."""
    get_worker().log_event(topic, message)


def check_single(worker: Worker) -> None:
    """Raise ``UnfitWorkerError`` for a worker that does several tasks at a time: for tasks that need a process each."""
    threads = worker.state.nthreads
    if threads > 1:
        raise UnfitWorkerError(
            f"a worker on {platform.node()} does {threads} tasks at a time, but each training needs its own process: "
            "start workers with --nthreads 1, as many as there are cores or GPUs"
        )


@cache
def own_release() -> str:
    """The version of this orbicyte, with the first digits of a digest of its code: ``0.1.0 (code 3f9a02c1)``."""
    code = sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        code.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return f"{metadata.version('orbicyte')} (code {code.hexdigest()[:8]})"


def gpu_count() -> int:
    """The number of GPUs of this machine that torch can use."""
    import torch  # takes seconds

    return torch.cuda.device_count()


@contextmanager
def local_cluster(workers: int, gpus: int = 0, threads: int | None = None) -> Iterator[Cluster]:
    """That many worker processes of this machine; with ``gpus``, each sees one GPU only.

    ``threads``: of each; by default they share the cores.
    """
    threads = threads or max(1, CPU_COUNT // workers)
    environment = {f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")}
    config = {
        "distributed.nanny.pre-spawn-environ": environment,
        # `Cluster.finished` tries again, with one task at a time: one that always kills its worker is lost alone.
        "distributed.scheduler.allowed-failures": 0,
    }
    resources = {GPU: 1} if gpus else {}
    # A job of a cluster may use some GPUs of the machine only, perhaps not the first ones.
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = given.split(",") if given else [str(number) for number in range(gpus)]
    with dask.config.set(config), ExitStack() as stack:
        with _ctrl_c_held():
            local = SpecCluster(
                workers={
                    number: {
                        "cls": Nanny,
                        "options": {
                            "nthreads": 1,
                            "env": {"CUDA_VISIBLE_DEVICES": visible[number % gpus]} if gpus else {},
                            "resources": resources,
                            # Dask would count the memory-mapped patches, and kill workers because of them.
                            "memory_limit": None,
                            "silence_logs": CRITICAL,
                        },
                    }
                    for number in range(workers)
                },
                scheduler={
                    "cls": Scheduler,
                    "options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"},
                },
                silence_logs=CRITICAL,
            )
            client = stack.enter_context(Client(stack.enter_context(local)))
            client.wait_for_workers(workers)  # else the first ones take the tasks of the others
        yield Cluster(client, workers, workers, resources)


@contextmanager
def remote_cluster(address: str, tasks: int, check: Check | None = None) -> Iterator[Cluster]:
    """The workers of the Dask scheduler at ``address``, for that many tasks.

    Each task takes the resource GPU if all workers have it (``dask worker --resources GPU=1``). ``check``: raises
    ``UnfitWorkerError`` for a worker that can do no task. Raises ``OrbicyteError`` if the scheduler does not answer,
    and if one of its workers is unfit or has another orbicyte than this command. Those that join later are checked by
    each task.
    """
    try:
        client = Client(address, timeout=CONNECT_WITHIN_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise OrbicyteError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split())}): expected --scheduler HOST:PORT"
        ) from error
    with _client_silenced(), client:
        workers = _workers(client).values()
        if not workers:
            warn(f"the scheduler at {address} has no workers yet: waiting for workers")
        _check_releases(client)
        if check:
            _check_fit(client, check)
        has_gpus = bool(workers) and all(GPU in worker.get("resources", {}) for worker in workers)
        yield Cluster(client, len(workers), tasks, {GPU: 1} if has_gpus else {})


@contextmanager
def _client_silenced() -> Iterator[None]:
    """Dask does not print the traceback of a lost scheduler, which is one line (``_outcome``)."""
    logger = getLogger("distributed.client")
    before = logger.level
    logger.setLevel(CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _workers(client: Client) -> Mapping[str, Any]:
    """What the scheduler knows of its workers, by address."""
    workers: Mapping[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return workers


def _check_releases(client: Client) -> None:
    """Raise ``OrbicyteError`` if workers have another orbicyte, or none."""
    own = own_release()
    found = client.run(_node_and_release, on_error="return")
    others = [
        f"{address} cannot import it ({type(answer).__name__})"
        if isinstance(answer, BaseException)
        else f"{address} on {answer[0]} has {answer[1]}"
        for address, answer in sorted(found.items())
        if isinstance(answer, BaseException) or answer[1] != own
    ]
    if others:
        raise OrbicyteError(
            f"{len(others)} of {number_of(len(found), 'worker')} have another orbicyte than this command ({own}): "
            f"{examples_of(others, '; ')}: install the same on all machines, or stop these workers"
        )


def _node_and_release() -> tuple[str, str]:
    """The name of this machine, and its orbicyte; for workers."""
    return platform.node(), own_release()


def _check_fit(client: Client, check: Check) -> None:
    """Raise ``OrbicyteError`` if ``check`` does for any worker."""
    found = client.run(_reason, check)
    reasons = [f"{address}: {reason}" for address, reason in sorted(found.items()) if reason]
    if reasons:
        raise OrbicyteError(
            f"{len(reasons)} of {number_of(len(found), 'worker')} cannot be used: {examples_of(reasons, '; ')}"
        )


def _reason(check: Check, dask_worker: Worker) -> str | None:
    """Why a worker is unfit; Dask passes the worker."""
    try:
        check(dask_worker)
    except UnfitWorkerError as error:
        return str(error)
    return None


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Delay Ctrl-C, SIGTERM and SIGHUP until the end of the block, so that everything started in it is ended too.

    Threads and processes started within it never receive Ctrl-C.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    in_main = threading.current_thread() is threading.main_thread()
    _start_tracker(in_main)
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    held = [number for number, handler in handlers.items() if callable(handler) and in_main]
    for own in held:
        # Not blocked: processes would inherit that, and could not be ended.
        signal.signal(own, lambda received, _: arrived.append(received))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for own in held:
            signal.signal(own, handlers[own])
        for number in arrived[:1]:
            signal.raise_signal(number)


def _start_tracker(in_main: bool) -> None:
    """Start the process of Python that removes what others leave, and ends after this one.

    It ignores Ctrl-C and SIGTERM, but not SIGHUP, which a closed terminal sends to all processes.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if in_main else None
    resource_tracker.ensure_running()  # it unblocks Ctrl-C in the thread that starts it
    if in_main:
        signal.signal(signal.SIGHUP, before)


def _do(packed: bytes, topic: str, release: str) -> Any:
    """What a worker runs. A worker with another orbicyte than the command is unfit.

    ``packed``: the function and the task, which another orbicyte may not be able to unpack.
    """
    own = own_release()
    try:
        if own != release:
            raise UnfitWorkerError(
                f"{platform.node()} has orbicyte {own}, this command is of orbicyte {release}: install the same on all "
                "machines"
            )
        do, task = loads(packed)
        return do(task, topic)
    except UnfitWorkerError as error:
        return Unfit(str(error), get_worker().address)


def _outcome(future: "Future[Any]") -> Any:
    """The result, or ``Lost``."""
    if future.status in ("cancelled", "lost"):
        raise OrbicyteError("lost the Dask scheduler; finished work is kept: run the same command again to continue")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return Killed()
    if isinstance(error, OrbicyteError):
        return Lost(str(error))
    return Lost(f"{type(error).__name__}: {error} (workers need the same orbicyte, and its packages)")
