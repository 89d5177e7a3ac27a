"""The page and its study: requests that may be sent again, another study's page, batches in parts."""

from collections.abc import Callable
from typing import Any

from httpx import Client

from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

Drafting = Callable[..., dict[str, Any]]


def post(client: Client, reader: str, *events: dict[str, Any]) -> Any:
    return client.post("/api/events", json={"reader": reader, "events": list(events)})


def columns(client: Client, slide: str = "a") -> dict[str, Any]:
    return dict(client.get(f"/api/slides/{slide}/cells?reader=Ada").json())


def test_requests_that_may_be_sent_again_have_another_status_than_refused_ones(
    client: Client, found: Study, draft: Drafting
) -> None:
    kept = draft("b", columns(client, slide="b")["id"][0], "check", status="kept")
    table = found.slides / "b" / "cells.parquet"
    content = table.read_bytes()
    table.write_bytes(b"damaged")
    assert post(client, "Ada", kept).status_code == 503
    table.unlink()
    assert post(client, "Ada", kept).status_code == 503
    table.write_bytes(content)
    assert post(client, "Ada", kept).status_code == 200
    assert post(client, "Ada", {**kept, "id": "x", "slide": "none"}).status_code == 400
    (found.review / "events.sqlite").rename(found.review / "moved")
    answer = post(client, "Ada", {**kept, "id": "y"})
    assert answer.status_code == 503
    assert "moved" in answer.json()["problem"]


def test_a_page_of_another_study_is_refused(client: Client, found: Study, draft: Drafting) -> None:
    cell, (own, other) = columns(client)["id"][0], (found.id, "another")
    assert client.get("/api/study", headers={"X-Orbicyte-Study": own}).json()["id"] == own
    client.headers["X-Orbicyte-Study"] = other
    answers = [
        client.get("/api/events?since=0&reader=Ada"),
        post(client, "Ada", draft("a", cell, "check", status="kept")),
    ]
    assert [answer.status_code for answer in answers] == [503, 503]
    with ReviewStore.open(found) as store:
        assert not store.events()


def test_parts_of_a_batch_are_undone_together(client: Client, draft: Drafting) -> None:
    for cell in columns(client)["id"][:3]:
        body = {"reader": "Ada", "events": [draft("a", cell, "check", status="kept")], "batch": "one"}
        assert client.post("/api/events", json=body).status_code == 200
    assert len(client.post("/api/undo", json={"reader": "Ada"}).json()["events"]) == 3
    assert set(columns(client)["status"]) == {0}
