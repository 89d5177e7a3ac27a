"""The command itself: a real server, killed under load, two on one study, stopped by Ctrl-C."""

import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.review.serving import serve
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import chosen_classes

Drafting = Callable[..., dict[str, Any]]
Running = Callable[..., Any]

CLIENTS = 4
SAVED_EACH = 60


def connect(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Orbicyte": "1"}, timeout=30)


def ask(port: int, path: str, body: object = None) -> Any:
    with connect(port) as client:
        answer = client.post(path, json=body) if body else client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def load(port: int, who: str, cells: list[str], saved: dict[str, int]) -> None:
    """Send decisions until the server is gone; add those it reported as saved to ``saved``."""
    with connect(port) as client, suppress(httpx.TransportError):
        for number in count():
            move = {"slide": "a", "kind": "move", "after": {"x_px": number % 2000, "y_px": 1}}
            events = [{"id": str(uuid.uuid4()), "cell": cell, **move} for cell in cells[:3]]
            answer = client.post("/api/events", json={"reader": who, "events": events})
            assert answer.status_code == 200, answer.text
            saved.update({one["id"]: one["seq"] for one in answer.json()["saved"]})


def test_killed_under_load_the_server_loses_no_event_it_reported_as_saved(found: Study, running: Running) -> None:
    reported: list[dict[str, int]] = [{} for _ in range(CLIENTS)]
    with running(found) as (process, port):
        cells = ask(port, "/api/slides/a/cells?reader=Ada")["id"]
        clients = [
            threading.Thread(target=load, args=(port, f"reader {i}", cells[i * 3 :], reported[i]))
            for i in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        while min(map(len, reported)) < SAVED_EACH and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        for client in clients:
            client.join()
    with running(found) as (_, port):
        events = ask(port, "/api/events?since=0&reader=Ada")["events"]
    saved = {event["id"]: event["seq"] for event in events}
    promised = {id_: seq for one in reported for id_, seq in one.items()}
    assert len(promised) >= CLIENTS * SAVED_EACH
    assert promised.items() <= saved.items()
    assert len(saved) - len(promised) <= 3 * CLIENTS  # at most the batch that each had in flight
    batches = [event["batch"] for event in events]
    assert all(batches.count(batch) == 3 for batch in set(batches))  # whole
    connection = sqlite3.connect(found.review / "events.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_two_servers_on_one_study_see_each_others_events(found: Study, running: Running, draft: Drafting) -> None:
    with running(found) as (_, first), running(found) as (_, second):
        assert first != second
        cells = ask(first, "/api/slides/a/cells?reader=Ada")["id"]
        sent = draft("a", cells[0], "check", status="kept")
        ask(first, "/api/events", {"reader": "Ada", "events": [sent]})
        answer = ask(second, "/api/events?since=0&reader=Bo")
        assert [event["id"] for event in answer["events"]] == [sent["id"]]
        ask(second, "/api/events", {"reader": "Bo", "events": [draft("a", cells[0], "move", x_px=1, y_px=1)]})
        state = ask(first, "/api/slides/a/cells?reader=Ada")
        assert (state["x_px"][0], state["status"][0], state["seq"]) == (1, 1, 2)


def test_ctrl_c_stops_it_at_once_and_cleanly(found: Study, running: Running, draft: Drafting) -> None:
    with running(found) as (process, port), connect(port) as client:  # its connection stays open, as a browser's does
        cells = client.get("/api/slides/a/cells?reader=Ada").json()["id"]
        body = {"reader": "Ada", "events": [draft("a", cells[0], "check", status="kept")]}
        assert client.post("/api/events", json=body).status_code == 200
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=20)[1]
        assert process.returncode == 0
        assert "Traceback" not in output
    assert sorted(path.name for path in found.review.iterdir()) == ["events.sqlite"]  # no log is left behind
    with ReviewStore.open(found) as store:
        assert len(store.events()) == 1


def one_line(*words: str) -> str:
    result = CliRunner().invoke(app, ["review", *words, "--no-open"], env={"COLUMNS": "300"})
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_without_slides_the_error_gives_the_command_to_run_first(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    assert "run 'orbicyte detect" in one_line(str(study.path))


def test_missing_labels_and_ports_in_use_are_one_line_errors(
    found: Study, draft: Drafting, tmp_path: Path, running: Running
) -> None:
    with ReviewStore.open(found) as store:
        store.append("Ada", [draft("a", sorted(store.cells("a"))[0], "name", label="myelocyte")])
    (tmp_path / "classes.txt").write_text("blast\n")
    assert "lacks labels that cells" in one_line(str(found.path), "--classes", str(tmp_path / "classes.txt"))
    with running(found) as (_, port):
        assert f"port {port}" in one_line(str(found.path), "--port", str(port))
    assert "no-such-host.invalid" in one_line(str(found.path), "--host", "no-such-host.invalid")


def test_an_empty_token_does_not_open_the_server(found: Study) -> None:
    assert "--token: expected at least 16" in one_line(str(found.path), "--host", "0.0.0.0", "--token", "")


class Started(Exception):  # noqa: N818
    """Instead of a server."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs ``serve`` up to the start of the server; returns what it printed."""

    def stop(*_: object) -> None:
        raise Started

    def printed(study: Study, **options: Any) -> str:
        monkeypatch.setattr("uvicorn.Server.run", stop)
        with pytest.raises(Started):
            serve(study, browse=False, **options)
        return capsys.readouterr().err

    return printed


def test_by_default_only_this_machine_can_connect_and_everybody_needs_a_token(
    found: Study, address: Callable[..., str]
) -> None:
    assert "http://127.0.0.1:" in address(found)
    assert "token" not in address(found, no_token=True)
    hosts = ("127.0.0.1", "0.0.0.0")
    first, second = (address(found, host=host).partition("?token=")[2].split()[0] for host in hosts)
    assert len(first) >= 32
    assert first != second
    assert "?token=my-own-long-token " in address(found, token="my-own-long-token")


def test_the_browser_is_opened_with_a_token_that_is_valid_once(found: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    class Now:
        def __init__(self, _: float, call: Callable[[str], None], words: list[str]) -> None:
            self.start = lambda: call(*words)

    def stop(*_: object) -> None:
        raise Started

    monkeypatch.setattr("orbicyte.review.serving.threading.Timer", Now)
    monkeypatch.setattr("orbicyte.review.serving.webbrowser.open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", stop)
    with pytest.raises(Started):
        serve(found, token="my-own-long-token")
    with pytest.raises(Started):
        serve(found, no_token=True)
    first, second = opened
    assert len(first.partition("/?token=")[2]) >= 32
    assert "my-own" not in first
    assert second.endswith("/")


def test_given_classes_are_kept_with_the_study(found: Study, address: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("blast\nplasma cell\n")
    address(found, classes=tmp_path / "classes.txt")
    assert chosen_classes(found) == ["blast", "plasma cell"]
