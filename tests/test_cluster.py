"""Tasks on real worker processes."""

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster, Worker

from orbicyte.cluster import Lost, UnfitWorkerError, local_cluster, own_release, remote_cluster, report
from orbicyte.errors import OrbicyteError


@dataclass(frozen=True)
class Named:
    """A task; ``folder``: for notes of how often it was done."""

    name: str
    folder: str = ""


def gpu_and_threads(task: Named, topic: str) -> tuple[str | None, str | None]:
    report(topic, {"task": task.name})
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("OMP_NUM_THREADS")


def fragile(task: Named, topic: str) -> str:
    """Kills its worker: ``once`` the first time, ``always`` every time; raises for ``wrong``."""
    tried = len(list(Path(task.folder).glob(f"{task.name}.*")))
    (Path(task.folder) / f"{task.name}.{tried}").touch()
    if task.name == "always" or (task.name == "once" and not tried):
        os.kill(os.getpid(), 9)
    if task.name == "wrong":
        raise ValueError("no luck")
    return task.name.upper()


def picky(task: Named, topic: str) -> int:
    """The number of its process; the first worker that does a task is unfit."""
    with suppress(FileExistsError), (Path(task.folder) / "unfit").open("x") as file:
        file.write(str(os.getpid()))
    if (Path(task.folder) / "unfit").read_text() == str(os.getpid()):
        raise UnfitWorkerError("no study here")
    return os.getpid()


def waiting(task: Named, topic: str) -> None:
    (Path(task.folder) / task.name).touch()
    time.sleep(60)


def noted(task: Named, topic: str) -> None:
    (Path(task.folder) / task.name).touch()
    time.sleep(0.5)


def unfit(worker: Worker) -> None:
    raise UnfitWorkerError("no study here")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes can import this module."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


@pytest.mark.usefixtures("importable")
def test_each_worker_sees_one_of_the_given_gpus_and_does_one_task_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")  # as a job of a cluster may be given
    monkeypatch.setattr("orbicyte.cluster.CPU_COUNT", 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    heard: list[str] = []
    with local_cluster(3, gpus=2) as cluster:
        assert cluster.resources == {"GPU": 1}
        tasks = [Named(name) for name in "abcd"]
        found = {t.name: r for t, r in cluster.finished(gpu_and_threads, tasks, lambda m: heard.append(m["task"]))}
        until = time.monotonic() + 30
        while len(heard) < len(tasks) and time.monotonic() < until:
            time.sleep(0.01)  # messages may arrive after the results
        held = cluster.client.run(lambda: os.environ["CUDA_VISIBLE_DEVICES"])
        with remote_cluster(cluster.client.scheduler_info()["address"], 4) as remote:
            assert remote.resources == {"GPU": 1}
            ((_, found_remotely),) = remote.finished(gpu_and_threads, tasks[:1])
    assert sorted(held.values()) == ["3", "3", "5"]  # more workers than GPUs share them
    assert found_remotely in found.values()
    assert set(found) == {"a", "b", "c", "d"}
    assert {gpu for gpu, _ in found.values() if not isinstance(gpu, Lost)} <= {"3", "5"}  # type: ignore[misc]
    assert {threads for _, threads in found.values()} == {"2"}  # type: ignore[misc]
    assert set(heard) == {"a", "b", "c", "d"}


@pytest.mark.usefixtures("importable")
def test_only_the_tasks_that_fail_are_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [Named(name, str(tmp_path)) for name in ("one", "once", "always", "wrong", "two")]
    with local_cluster(2) as cluster:
        found = {task.name: result for task, result in cluster.finished(fragile, tasks)}
    assert {name: result for name, result in found.items() if isinstance(result, str)} == {
        "one": "ONE",
        "once": "ONCE",
        "two": "TWO",
    }
    lost = {name: result.reason for name, result in found.items() if isinstance(result, Lost)}
    assert lost["always"].startswith("each worker that did it was killed: ")
    assert lost["wrong"] == "ValueError: no luck (workers need the same orbicyte, and its packages)"
    assert [len(list(tmp_path.glob(f"{name}.*"))) for name in ("once", "always")] == [2, 2]
    assert "once: its worker was killed; it is processed again at the end, alone" in capsys.readouterr().err


@pytest.mark.usefixtures("importable")
def test_a_task_that_kills_the_workers_of_a_scheduler_is_lost_alone(tmp_path: Path) -> None:
    """The scheduler has its own number of attempts, here two."""
    tasks = [Named(name, str(tmp_path)) for name in ("one", "once", "always")]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        remote_cluster(cluster.scheduler_address, len(tasks)) as remote,
    ):
        found = {task.name: result for task, result in remote.finished(fragile, tasks)}
    lost = found.pop("always")
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("each worker that did it was killed: ")
    assert found == {"one": "ONE", "once": "ONCE"}


@pytest.mark.usefixtures("importable")
def test_a_worker_with_another_orbicyte_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("orbicyte.cluster.own_release", lambda: "99.0")
    with local_cluster(1) as cluster:
        ((_, result),) = cluster.finished(fragile, [Named("one", str(tmp_path))])
    assert isinstance(result, Lost)
    assert "this command is of orbicyte 99.0: install the same on all machines" in result.reason
    assert not list(tmp_path.iterdir())


def test_the_same_version_with_other_code_is_another_orbicyte(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("VALUE = 1")
    monkeypatch.setattr("orbicyte.cluster.PACKAGE", tmp_path)
    one, same = own_release.__wrapped__(), own_release.__wrapped__()
    (tmp_path / "module.py").write_text("VALUE = 2")
    assert one == same != own_release.__wrapped__()
    assert one.startswith(f"{version('orbicyte')} (code ")


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("is_remote", [True, False])
def test_if_the_last_worker_is_unfit_all_tasks_are_lost(tmp_path: Path, is_remote: bool) -> None:
    tasks = [Named(name, str(tmp_path)) for name in "abcdefgh"]
    with local_cluster(1) as cluster, ExitStack() as stack:
        address = cluster.client.scheduler_info()["address"]
        used = stack.enter_context(remote_cluster(address, len(tasks))) if is_remote else cluster
        found = list(used.finished(picky, tasks))
    assert sorted(task.name for task, _ in found) == list("abcdefgh")
    assert all(isinstance(result, Lost) and "no study here" in result.reason for _, result in found)


@pytest.mark.usefixtures("importable")
def test_others_do_the_tasks_of_an_unfit_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [Named(name, str(tmp_path)) for name in "abcdefgh"]
    with local_cluster(2) as cluster, remote_cluster(cluster.client.scheduler_info()["address"], len(tasks)) as remote:
        found = {task.name: result for task, result in remote.finished(picky, tasks)}
    assert found.keys() == set("abcdefgh")
    (fit,) = set(found.values())
    assert str(fit) != (tmp_path / "unfit").read_text()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: the worker tcp://127.0.0.1:")
    assert line.endswith(" is stopped: no study here")


@pytest.mark.usefixtures("importable")
def test_others_do_the_tasks_of_a_worker_without_orbicyte() -> None:
    """Dask ends such a worker, which joins later here, when it cannot read its first task."""
    tasks = [Named(name) for name in "abcdefgh"]
    with local_cluster(1) as cluster, ExitStack() as stack:
        address = cluster.client.scheduler_info()["address"]
        remote = stack.enter_context(remote_cluster(address, len(tasks)))
        code = (
            "import sys; sys.modules['orbicyte'] = None; from distributed.cli.dask_worker import main; "
            f"main(['{address}', '--nthreads', '1', '--no-nanny', '--no-dashboard'])"
        )
        joined = stack.enter_context(subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL))
        stack.callback(joined.kill)
        remote.client.wait_for_workers(2)
        found = dict(remote.finished(gpu_and_threads, tasks))
    assert not any(isinstance(result, Lost) for result in found.values())
    assert len(found) == len(tasks)


@pytest.mark.usefixtures("importable")
def test_workers_of_a_scheduler_with_another_orbicyte_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cluster(2) as cluster:
        address = cluster.client.scheduler_info()["address"]
        with remote_cluster(address, 5) as remote:
            assert (remote.workers, remote.window, remote.resources) == (2, 5, {})
        with pytest.raises(OrbicyteError, match=r"^2 of 2 workers cannot be used: .*: no study here"):
            remote_cluster(address, 5, unfit).__enter__()
        own = own_release()
        monkeypatch.setattr("orbicyte.cluster.own_release", lambda: "99.0")
        expected = rf"^2 of 2 workers have another orbicyte than this command \(99\.0\): .* on .* has {re.escape(own)};"
        with pytest.raises(OrbicyteError, match=expected), remote_cluster(address, 5):
            pass


@pytest.mark.usefixtures("importable")
def test_what_is_not_begun_is_cancelled_when_the_command_ends(tmp_path: Path) -> None:
    tasks = [Named(name, str(tmp_path)) for name in "abcdefgh"]
    with local_cluster(1) as cluster:
        with remote_cluster(cluster.client.scheduler_info()["address"], len(tasks)) as remote:
            _, result = next(remote.finished(noted, tasks))
            assert result is None  # what the function returns
        time.sleep(1)  # longer than a task
        begun = len(list(tmp_path.iterdir()))
        time.sleep(1)
        assert begun == len(list(tmp_path.iterdir()))
    assert begun < len(tasks)


@pytest.mark.usefixtures("importable")
def test_a_scheduler_that_ends_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ended = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50)

    def end_it() -> None:
        while not list(tmp_path.iterdir()):
            time.sleep(0.05)
        ended.close()

    ending = threading.Thread(target=end_it)
    ending.start()
    tasks = [Named(name, str(tmp_path)) for name in "ab"]
    with (
        pytest.raises(
            OrbicyteError, match="lost the Dask scheduler; finished work is kept: run the same command again"
        ),
        remote_cluster(ended.scheduler_address, len(tasks)) as remote,
    ):
        list(remote.finished(waiting, tasks))
    ending.join()
    assert "Traceback" not in capfd.readouterr().err
