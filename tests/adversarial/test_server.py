"""Requests that pass the limits of the server, break it, or lock others out; and who may decide."""

import errno
import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Client
from tests.adversarial.hostile_events import log_of
from tests.review.made_study import make_study, served

from orbicyte.review import connections, database
from orbicyte.review.app import create_app
from orbicyte.review.events import new_draft
from orbicyte.review.security import BODY_BYTES, HEADERS
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

TOKEN = "a-secret-of-enough-letters"
ONCE = "for-the-browser-that-is-opened"
POST = b"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Orbicyte: 1\r\nContent-Type: application/json\r\n"
CHECK: dict[str, Any] = {"id": "1", "slide": "a", "cell": "1", "kind": "check", "after": {"status": "kept"}}
OUTLINE = {**CHECK, "kind": "outline"}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path)


@pytest.fixture
def client(study: Study) -> Iterator[Client]:
    with served(create_app(study)) as client:
        yield client


@pytest.fixture
def guarded(study: Study) -> Iterator[Client]:
    """A client of a server with ``TOKEN``, and ``ONCE`` for one use."""
    with served(create_app(study, token=TOKEN, once=ONCE)) as client:
        yield client


def talk(client: Client, *parts: bytes, wait_s: float = 20) -> bytes:
    """What the server answers until it closes the connection or ``wait_s`` passed."""
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=wait_s) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            while received := connection.recv(65536):
                answer += received
        except (TimeoutError, ConnectionError):
            pass
        return answer


def post(client: Client, body: object, **headers: str) -> httpx.Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post("/api/events", content=text, headers={"Content-Type": "application/json", **headers})


def test_a_length_with_chunks_does_not_pass_the_limit(client: Client) -> None:
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    for length in (b"Content-Length: 10\r\n", b""):
        head = POST + length + b"Transfer-Encoding: chunked\r\n\r\n"
        answer = talk(client, head, *[chunk] * 64)
        assert answer.startswith(b"HTTP/1.1 400") or not answer  # closed before it was read
        assert talk(client, head).startswith(b"HTTP/1.1 400")
    for wrong in (str(BODY_BYTES + 1), "9" * 19, "-1", "x", "1e3"):
        assert talk(client, POST + f"Content-Length: {wrong}\r\n\r\n".encode()).startswith(b"HTTP/1.1 400")
    assert talk(client, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n").startswith(
        b"HTTP/1.1 400"
    )


WRONG: dict[str, Any] = {
    "numbers": {"reader": "Ada", "events": [1] * 300_000},
    "empty objects": {"reader": "Ada", "events": [{}] * 300_000},
    "wrong kinds": {"reader": "Ada", "events": [{**CHECK, "kind": "x"}] * 10_000},
    "many fields": {"reader": "Ada", "events": [{str(number): 1 for number in range(100_000)}]},
    "many fields set": {"reader": "Ada", "events": [{**CHECK, "after": dict.fromkeys(map(str, range(100_000)), 1)}]},
    "wrong points": {
        "reader": "Ada",
        "events": [{**CHECK, "kind": "outline", "after": {"outline_px": ["x"] * 50_000}}],
    },
    "many readers": {"reader": ["Ada"] * 100_000, "events": []},
    "deep lists": "[" * 500_000,
    "deep objects": '{"a":' * 100_000,
    "a long number": f'{{"reader": "Ada", "events": [{"9" * 10_000}]}}',
    "no JSON": "\0" * 1000,
    "no text": '{"reader": "\\ud800", "events": []}',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_body_is_answered_with_its_first_mistake(name: str, client: Client) -> None:
    answer = post(client, WRONG[name])
    assert answer.status_code == 400
    assert 0 < len(answer.json()["problem"]) < 300
    assert "\n" not in answer.json()["problem"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/events?since=9223372036854775807&reader=Ada", 200),
        ("/api/events?since=9223372036854775808&reader=Ada", 400),
        ("/api/events?since=-1&reader=Ada", 400),
        (f"/api/events?since={'9' * 5000}&reader=Ada", 400),
        ("/api/events?since=0&reader=%ff%00", 400),
        (f"/tiles/a/{'9' * 4000}/0_0.jpg", 404),
        (f"/tiles/a/0/{'9' * 400}_{'9' * 400}.jpg", 404),
        ("/crops/a/x.jpg?px=1e999&um=nan", 400),
        ("/api/slides/a%00b/cells?reader=Ada", 404),
        ("/api/slides/a/cells?reader=" + "&reader=".join(["Ada"] * 500), 200),
    ],
)
def test_extreme_values_are_refused_not_failed_on(path: str, status: int, client: Client) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "://", "\xff", "http://a]b", "http://127.0.0.1:x", ""])
def test_a_malformed_origin_is_another_site(origin: str, client: Client) -> None:
    head = POST + b"Content-Length: 2\r\nOrigin: " + origin.encode("latin-1") + b"\r\nConnection: close\r\n\r\n{}"
    assert talk(client, head).startswith(b"HTTP/1.1 403")


def test_an_unexpected_failure_has_the_security_headers(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("orbicyte.review.service.ReviewService.overview", fail)
    monkeypatch.setattr("orbicyte.review.service.ReviewService.undo_or_redo", fail)
    for answer in (client.get("/api/study"), client.post("/api/undo", json={"reader": "Ada"})):
        assert answer.status_code == 500
        assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items()
        assert "Zero" not in answer.text
    assert client.get("/api/agreement").status_code == 200


def test_a_full_disk_without_inodes_is_reported_as_full(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_inode(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
    body = {"reader": "Ada", "events": [new_draft("a", cell, "check", {"status": "kept"})]}
    with monkeypatch.context() as patched:
        patched.setattr("orbicyte.review.database.create", no_inode)
        answer = post(client, body)
    assert answer.status_code == 507
    assert "free some disk space" in answer.json()["problem"]
    assert post(client, body).status_code == 200


def test_an_id_used_again_for_another_decision_is_a_conflict_not_saved(client: Client, study: Study) -> None:
    cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
    sent = new_draft("a", cell, "check", {"status": "kept"})
    others = [sent, sent, {**sent, "after": {"status": "rejected"}}]
    answers = [post(client, {"reader": "Ada", "events": [one]}) for one in others]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[0].json() == answers[1].json()


def test_reading_does_not_wait_for_a_writer(client: Client, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 60.0)
    ids = client.get("/api/slides/a/cells?reader=Ada").json()["id"]
    with ReviewStore.open(study) as store:
        store.append("Bo", [new_draft("a", ids[0], "move", {"x_px": 5, "y_px": 5})])

    def decide(cell: str) -> int:
        body = {"reader": "Ada", "events": [new_draft("a", cell, "check", {"status": "kept"})]}
        return httpx.post(
            f"{client.base_url}/api/events", json=body, headers={"X-Orbicyte": "1"}, timeout=60
        ).status_code

    other = sqlite3.connect(log_of(study), isolation_level=None)
    with closing(other), ThreadPoolExecutor(5) as readers:
        other.execute("BEGIN IMMEDIATE")
        waiting = [readers.submit(decide, cell) for cell in ids[:5]]
        for _ in range(10):
            assert client.get("/api/slides/a/cells?reader=Ada", timeout=30).json()["x_px"][0] == 5
            assert client.get("/api/events?since=0&reader=Ada", timeout=30).json()["seq"] == 1
        assert not any(one.done() for one in waiting)
        other.execute("ROLLBACK")
        assert [one.result() for one in waiting] == [200] * 5


def test_a_writer_that_waits_too_long_is_asked_to_try_again(
    client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.1)
    cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
    first, second = (
        {"reader": "Ada", "events": [new_draft("a", cell, "check", {"status": status})]}
        for status in ("kept", "rejected")
    )
    assert post(client, first).status_code == 200
    with closing(sqlite3.connect(log_of(study), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = post(client, second)
        assert answer.status_code == 503
        assert "locked by another process: try again" in answer.json()["problem"]
        other.execute("ROLLBACK")
    assert post(client, second).status_code == 200


def test_a_connection_that_sends_nothing_or_only_a_part_is_closed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LONGEST_S", {"request": 0.2, "body": 0.2, "answer": 20.0})
    for parts in ((), (b"GET / HTTP/1.1\r\nHost:",), (POST + b"Content-Length: 100\r\n\r\n{",)):
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20) as connection:
            connection.sendall(b"".join(parts))
            try:
                assert connection.recv(100) == b""
            except ConnectionResetError:
                continue
    monkeypatch.undo()
    assert client.get("/api/study").status_code == 200


@pytest.fixture
def limited(study: Study) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command in a process that may open 256 files, as by default on macOS, and the address it prints."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    words = [sys.executable, "-m", "orbicyte", "review", str(study.path), "--no-open"]
    env = {**os.environ, "COLUMNS": "300"}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env, preexec_fn=limit)
    try:
        assert process.stderr
        line = process.stderr.readline()
        yield process, line.removeprefix("review: ").split()[0]
    finally:
        process.kill()
        process.communicate()


def test_idle_connections_do_not_lock_out_readers_nor_fill_the_log(
    limited: tuple["subprocess.Popen[str]", str],
) -> None:
    process, address = limited
    port = int(address.split(":")[2].partition("/")[0])
    with ExitStack() as idle, Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for _ in range(300):
            idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        assert client.get(address).status_code == 200
        assert client.get("/api/study").status_code == 200
    process.terminate()
    assert "Traceback" not in process.communicate(timeout=30)[1]


def test_by_default_nobody_decides_without_the_printed_token(limited: tuple["subprocess.Popen[str]", str]) -> None:
    _, address = limited
    found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\?token=([A-Za-z0-9_-]{32,})", address)
    assert found
    with Client(base_url=found[1], headers={"X-Orbicyte": "1"}, timeout=30) as client:
        assert client.get("/api/study").status_code == 401
        assert client.post("/api/undo", json={"reader": "Ada"}).status_code == 401
        client.get(address)
        assert client.post("/api/undo", json={"reader": "Ada"}).status_code == 200


FOREIGN = [
    "a b=c d",
    'theme={"dark": true, "x": [1, 2]}',
    '_xsrf="2|a, b"; (x)=1; =; ==; ;;',
    "orbicyte-1=wrong; orbicyte-8790=another; orbicyte-x",
    "\x80\xff=\xfe",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_cookies_of_other_programs_do_not_lock_out_the_token(foreign: str, guarded: Client) -> None:
    own = guarded.get(f"/?token={TOKEN}").headers["Set-Cookie"].partition(";")[0]
    guarded.cookies.clear()
    for cookies, status in ((f"{foreign}; {own}", 200), (f"{own}; {foreign}", 200), (foreign, 401)):
        head = b"GET /api/study HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: "
        answer = talk(guarded, head + cookies.encode("latin-1") + b"\r\n\r\n")
        assert answer.startswith(f"HTTP/1.1 {status}".encode())


def test_the_address_with_the_token_leads_to_one_without(guarded: Client) -> None:
    answer = guarded.get(f"/?token={TOKEN}")
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/"' in answer.text
    assert TOKEN not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert guarded.get("/").status_code in (200, 503)  # 503 where the page is not built


def test_the_browsers_address_is_valid_once(guarded: Client) -> None:
    assert guarded.get(f"/?token={ONCE}").status_code == 200
    assert guarded.get("/api/study").status_code == 200
    guarded.cookies.clear()
    assert guarded.get(f"/?token={ONCE}").status_code == 401
    assert guarded.get("/?token=").status_code == 401


def test_a_token_for_another_host_name_is_not_exchanged(guarded: Client) -> None:
    answer = guarded.get(f"/?token={ONCE}", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert guarded.get(f"/?token={ONCE}").status_code == 200


def test_no_token_is_an_option_for_this_machine_only(study: Study) -> None:
    from typer.testing import CliRunner

    from orbicyte.cli.app import app

    for options, reason in (
        (["--no-token", "--host", "0.0.0.0"], "other machines can reach 0.0.0.0"),
        (["--no-token", "--token", TOKEN], "either --token or --no-token"),
    ):
        result = CliRunner().invoke(app, ["review", str(study.path), "--no-open", *options], env={"COLUMNS": "300"})
        assert result.exit_code == 2
        assert reason in result.stderr
