"""Access control of the server."""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx import Client
from starlette.responses import JSONResponse

from orbicyte.errors import OrbicyteError
from orbicyte.review.security import Guard
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

Drafting = Callable[..., dict[str, Any]]
Serving = Callable[..., Any]

TOKEN = "a-secret-of-enough-letters"
ROUTES = ["/", "/assets/page.js", "/api/study", "/api/slides/a/cells?reader=Ada", "/tiles/a/0/0_0.jpg", "/nothing"]
MARKUP = "<script>alert(1)</script>"


def asked(client: Client, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    """Status and answer of a request whose path is sent unchanged."""
    connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port)
    connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("route", ROUTES)
def test_every_answer_has_the_security_headers(route: str, client: Client) -> None:
    headers = client.get(route).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8790", "127.0.0.1.evil.example", "192.168.0.7:8790", "", "[bad", "localhost@evil"],
)
def test_another_host_name_is_refused(route: str, host: str, client: Client) -> None:
    assert client.get(route, headers={"Host": host}).status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9999", "[::1]:8790", "LOCALHOST:8790"])
def test_names_of_this_machine_are_accepted_also_through_a_tunnel(host: str, client: Client) -> None:
    assert client.get("/api/study", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Orbicyte": "0"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Host": "evil.example"},
    ],
)
@pytest.mark.parametrize("route", ["/api/events", "/api/undo", "/api/redo", "/nothing"])
def test_a_page_of_another_site_changes_nothing(
    headers: dict[str, str], route: str, client: Client, found: Study, draft: Drafting
) -> None:
    cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
    body = {"reader": "Ada", "events": [draft("a", cell, "check", status="kept")]}
    sent = {"Content-Type": "application/json", **headers}
    assert client.post(route, content=json.dumps(body), headers=sent).status_code == 403
    assert not (found.review / "events.sqlite").exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_do_nothing_and_no_other_site_is_allowed(method: str, client: Client) -> None:
    answer = client.request(method, "/api/events", headers={"Origin": "http://evil.example", "X-Orbicyte": "0"})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_itself_may_write(client: Client, draft: Drafting) -> None:
    cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
    origin = str(client.base_url).rstrip("/")
    body = {"reader": "Ada", "events": [draft("a", cell, "check", status="kept")]}
    assert client.post("/api/events", json=body, headers={"Origin": origin}).status_code == 200


def test_a_body_that_is_too_large_or_without_length_is_refused(client: Client) -> None:
    sent = {"X_Orbicyte": "1", "Content_Type": "application/json", "Content_Length": str(1 << 25)}
    assert asked(client, "POST", "/api/events", **sent)[0] == 400
    chunks = iter([b'{"reader": "Ada", "events": []}'])
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/events", content=chunks, headers=headers).status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_requests_without_the_token_are_refused(route: str, found: Study, serving: Serving) -> None:
    with serving(found, token=TOKEN) as client:
        for url in (route, f"{route}{'&' if '?' in route else '?'}token=wrong"):
            answer = client.get(url)
            assert answer.status_code == 401
            assert answer.text.count("\n") == 1
        wrong = client.get(route, headers={"Cookie": f"{'orbicyte'}={TOKEN}"})
        assert wrong.status_code == 401
        assert client.post("/api/undo", json={"reader": "Ada"}).status_code == 401


def test_the_token_in_the_address_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(
    found: Study, serving: Serving
) -> None:
    with serving(found, token=TOKEN) as client:
        first = client.get(f"/?token={TOKEN}")
        assert first.status_code in (200, 503)  # 503 where the page is not built
        cookie = first.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert client.get("/api/study").status_code == 200
        assert client.post("/api/undo", json={"reader": "Ada"}).status_code == 200
        assert "Set-Cookie" not in client.get("/api/study").headers


def test_at_a_network_address_ip_addresses_and_own_names_are_accepted(found: Study, serving: Serving) -> None:
    with serving(found, token=TOKEN, host="0.0.0.0") as client:
        client.get(f"/?token={TOKEN}")
        assert client.get("/api/study", headers={"Host": "192.168.0.7:8790"}).status_code == 200
        assert client.get("/api/study", headers={"Host": "evil.example:8790"}).status_code == 403


@pytest.mark.parametrize("token", [None, "", "short", "sixteen letters!", "ünüsüällylongtoken", f"{TOKEN}\n"])
def test_a_server_for_other_machines_needs_a_strong_token(token: str | None) -> None:
    with pytest.raises(OrbicyteError, match="--token"):
        Guard(JSONResponse({}), "0.0.0.0", token)


PATHS = [
    "../study.json",
    "..%2fstudy.json",
    "%2e%2e/study.json",
    "%2e%2e%2f%2e%2e%2fstudy.json",
    "..%5c..%5cstudy.json",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "....//study.json",
    "%c0%ae%c0%ae%c0%afstudy.json",
    "a%00",
    ".",
    "%2e%2e",
]
PLACES = [
    "/{}",
    "/assets/{}",
    "/api/slides/{}/cells?reader=Ada",
    "/api/slides/a/cells/{}/outline",
    "/tiles/{}/0/0_0.jpg",
    "/tiles/a/{}/0_0.jpg",
    "/crops/{}/x.jpg",
    "/crops/a/{}.jpg",
    "/crops/a/{}",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_out_of_the_study(place: str, path: str, client: Client) -> None:
    status, text = asked(client, "GET", place.format(path))
    assert status in (400, 404)
    assert '"format"' not in text
    assert "root:" not in text


def test_events_about_slides_elsewhere_are_refused(client: Client, draft: Drafting) -> None:
    for slide in ("..", "../slides/a", "a/../a", "", "a\0"):
        body = {"reader": "Ada", "events": [draft(slide, "x", "check", status="kept")]}
        assert client.post("/api/events", json=body).status_code in (400, 404, 409)


def test_markup_in_names_and_labels_is_only_data_in_json(found: Study, serving: Serving) -> None:
    from orbicyte.study.classes import choose_classes

    choose_classes(found, [MARKUP], used=set())
    with serving(found) as client:
        cell = client.get("/api/slides/a/cells?reader=Ada").json()["id"][0]
        event = {"id": "1", "slide": "a", "cell": cell, "kind": "name", "after": {"label": MARKUP}}
        for reader in (MARKUP, "'\"&<b>"):
            sent = {"reader": reader, "events": [{**event, "id": str(len(reader))}]}
            assert client.post("/api/events", json=sent).status_code == 200
        for route in ("/api/study", f"/api/events?since=0&reader={MARKUP}", "/api/agreement"):
            answer = client.get(route)
            assert answer.headers["Content-Type"] == "application/json"
            assert MARKUP in answer.text
        problem = client.post("/api/events", json={"reader": "Ada", "events": [{**event, "slide": MARKUP, "id": "9"}]})
        assert problem.headers["Content-Type"] == "application/json"
    with ReviewStore.open(found) as store:
        assert store.cells("a")[cell].labels[MARKUP] == MARKUP
