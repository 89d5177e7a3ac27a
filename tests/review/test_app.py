"""The requests of the page, and the answers of the server."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from httpx import Client

from orbicyte.cell_types import TYPES
from orbicyte.review import app as app_module
from orbicyte.review.refusals import DiskFullError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.types import types_path, write_types

Drafting = Callable[..., dict[str, Any]]
Serving = Callable[..., Any]
RESIZE = {"id": "1", "slide": "a", "cell": "1", "kind": "resize"}


def post(client: Client, reader: str, *events: dict[str, Any]) -> Any:
    return client.post("/api/events", json={"reader": reader, "events": list(events)})


def columns(client: Client, reader: str = "Ada", slide: str = "a") -> dict[str, Any]:
    answer = client.get(f"/api/slides/{slide}/cells", params={"reader": reader})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.json())


def test_the_overview_of_the_study(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    post(client, "Bo", draft("a", ids[0], "check", status="rejected"), draft("a", ids[1], "check", status="kept"))
    labels = ["lymphocyte", "myelocyte", "unsure"]  # that of the rejected cell does not count
    post(client, "Ada", *[draft("a", id_, "name", label=label) for id_, label in zip(ids, labels, strict=False)])
    answer = client.get("/api/study").json()
    assert (answer["study"], answer["writable"], answer["note"], answer["predicted"]) == ("study", True, None, False)
    assert [one["name"] for one in answer["classes"]] == list(TYPES)
    assert answer["extra"] == [
        {"name": "other", "key": "o"},
        {"name": "unsure", "key": "u"},
        {"name": "not a cell", "key": "x"},
    ]
    assert answer["readers"] == ["Ada", "Bo"]
    first, second = answer["slides"]
    assert (first["name"], first["width_px"], first["mpp"], first["tile_px"]) == ("a", 2048, 0.25, 256)
    assert (first["cells"], first["rejected"], first["checked"], first["labelled"]) == (11, 1, 2, {"Ada": 2})
    assert (second["cells"], second["checked"], second["labelled"]) == (5, 0, {})
    assert "a.tif" in first["problem"]  # there is no image file


def test_cells_come_as_columns_of_one_length(client: Client, found: Study, draft: Drafting) -> None:
    table = read_cells(found, "a")
    ids = table["id"].tolist()
    post(client, "Ada", draft("a", ids[0], "check", status="rejected"), draft("a", ids[0], "name", label="other"))
    post(client, "Bo", draft("a", "new", "add", x_px=7, y_px=9, diameter_px=30))
    answer = columns(client)
    assert answer.pop("seq") == 3
    assert {len(column) for column in answer.values()} == {13}
    assert answer["id"] == [*ids, "new"]
    assert answer["x_px"] == [*table["x_px"], 7]
    assert answer["status"] == [2] + [0] * 11 + [1]
    assert answer["added"] == [False] * 12 + [True]
    assert answer["label"] == ["other"] + [None] * 12
    assert answer["score"][-1] is None
    assert answer["uncertainty"][-1] == 0
    assert answer["uncertainty"][3] == pytest.approx(1 - 2 * abs(table["score"][3] - 0.5), abs=1e-3)
    assert answer["predicted"] == answer["probability"] == [None] * 13
    assert columns(client, "Bo")["label"] == [None] * 13


def test_predicted_types_are_sent_if_there_are_any(client: Client, found: Study) -> None:
    ids = read_cells(found, "a")["id"].tolist()
    typed = pd.DataFrame({"id": [*ids[:2], ids[2]], "type": ["myelocyte", "lymphocyte", "basophil"]})
    far = [False, True, True]
    typed = typed.assign(slide=["a", "a", "b"], probability=[0.5, 0.25, 0.1], out_of_distribution=far)
    write_types(found, typed, "baseline-fold1-seed0")
    cells = columns(client)
    assert cells["predicted"][:3] == ["myelocyte", "lymphocyte", None]
    assert cells["probability"][:3] == [0.5, 0.25, None]
    assert cells["out_of_distribution"][:3] == [False, True, False]
    assert client.get("/api/study").json()["predicted"] is True
    types_path(found).write_bytes(b"damaged")
    answer = client.get("/api/slides/a/cells?reader=Ada")
    assert "types.parquet is damaged" in answer.json()["problem"]


def test_outlines_are_those_detected_and_none_after_a_move(client: Client, found: Study, draft: Drafting) -> None:
    table = read_cells(found, "a")
    first, second = table["id"][:2]
    post(client, "Ada", draft("a", first, "move", x_px=7, y_px=9))
    assert client.get(f"/api/slides/a/cells/{first}/outline").json() == {"outline_px": None}
    outline = client.get(f"/api/slides/a/cells/{second}/outline").json()["outline_px"]
    assert outline == pytest.approx(list(table["outline_px"][1]), abs=0.01)
    assert client.get("/api/slides/a/cells/nobody/outline").status_code == 400


def test_two_readers_see_each_others_checks_but_not_each_others_labels(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    sent = [draft("a", ids[0], "check", status="kept"), draft("a", ids[0], "name", label="myelocyte")]
    saved = post(client, "Ada", *sent).json()
    assert saved == {"saved": [{"id": one["id"], "seq": seq} for seq, one in enumerate(sent, 1)], "seq": 2}
    answer = client.get("/api/events", params={"since": 0, "reader": "Bo"}).json()
    assert answer["seq"] == 2
    (event,) = answer["events"]
    assert (event["who"], event["before"], event["after"]) == ("Ada", {"status": "unchecked"}, {"status": "kept"})
    client.post("/api/undo", json={"reader": "Ada"})
    answer = client.get("/api/events", params={"since": 2, "reader": "Bo"}).json()
    assert [one["after"] for one in answer["events"]] == [{"status": "unchecked"}]
    assert answer["seq"] == 4
    own = client.get("/api/events", params={"since": 2, "reader": "Ada"}).json()["events"]
    assert [one["after"] for one in own] == [{"label": None}, {"status": "unchecked"}]
    assert client.get("/api/events", params={"since": 4, "reader": "Ada"}).json() == {"seq": 4, "events": []}


def test_two_readers_who_labelled_one_cell_do_not_see_each_others_label(client: Client, draft: Drafting) -> None:
    cell = columns(client)["id"][0]
    for who, label in (("Ada", "myelocyte"), ("Bo", "lymphocyte")):
        post(client, who, draft("a", cell, "name", label=label))
    answer = client.get("/api/agreement")
    assert not [label for label in ("myelocyte", "lymphocyte") if label in answer.text]
    (pair,) = answer.json()["pairs"]
    assert (pair["readers"], pair["cells"], pair["agreement"]) == (["Ada", "Bo"], 1, None)


def test_a_reader_may_know_which_cells_another_labelled_but_not_how(client: Client, draft: Drafting) -> None:
    first, second, third, *_ = columns(client)["id"]
    post(client, "Ada", draft("a", first, "name", label="myelocyte"), draft("a", third, "name", label="unsure"))
    post(client, "Bo", draft("a", second, "name", label="lymphocyte"))
    answer = client.get("/api/slides/a/labelled", params={"reader": "Ada"})
    assert set(answer.json()["cells"]) == {first, third}
    assert "myelocyte" not in answer.text
    assert client.get("/api/slides/b/labelled", params={"reader": "Ada"}).json() == {"cells": []}


def test_undo_and_redo_return_their_events(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    nothing = client.post("/api/undo", json={"reader": "Ada"}).json()
    assert nothing == {"seq": 0, "events": [], "step": None, "note": None}
    post(client, "Ada", draft("a", ids[0], "move", x_px=1, y_px=2), draft("a", ids[1], "check", status="kept"))
    undone = client.post("/api/undo", json={"reader": "Ada"}).json()
    assert [one["kind"] for one in undone["events"]] == ["undo", "undo"]
    assert undone["events"][0]["before"] == {"status": "kept"}
    assert undone["step"] == "changed 2 cells on a"
    assert client.get("/api/steps", params={"reader": "Ada"}).json() == {"undo": None, "redo": "changed 2 cells on a"}
    redone = client.post("/api/redo", json={"reader": "Ada"}).json()
    assert redone["events"][0]["after"] == {"x_px": 1, "y_px": 2}
    post(client, "Bo", draft("a", ids[1], "check", status="rejected"))
    assert "1 of 2 stay" in client.post("/api/undo", json={"reader": "Ada"}).json()["note"]
    assert columns(client)["status"][1] == 2


def test_a_retry_is_saved_once(client: Client, draft: Drafting) -> None:
    sent = draft("a", columns(client)["id"][0], "check", status="kept")
    assert post(client, "Ada", sent).json() == post(client, "Ada", sent).json()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"reader": "", "events": []}, "1 to 60 characters"),
        ({"reader": "x" * 61, "events": []}, "1 to 60 characters"),
        ({"reader": "a\u202eb", "events": []}, "1 to 60 characters"),
        ({"reader": "Ada"}, "events"),
        ({"reader": "Ada", "events": [{"id": "1"}]}, "kind"),
        ({"reader": "Ada", "events": [{"kind": "name", "after": {"label": ["x"]}}]}, "0"),
        ({"reader": "Ada", "events": "x"}, "events"),
        ([], "body"),
        ({"reader": "Ada", "events": [{**RESIZE, "after": {"diameter_px": 0.4}}]}, "equal to 1"),
        ({"reader": "Ada", "events": [{**RESIZE, "after": {"diameter_px": 1e-300}}]}, "equal to 1"),
    ],
)
def test_an_invalid_request_gets_one_line(body: Any, problem: str, client: Client) -> None:
    answer = client.post("/api/events", json=body)
    assert answer.status_code == 400
    assert problem in answer.json()["problem"]
    assert "\n" not in answer.json()["problem"]


def test_names_of_readers_may_be_in_any_script(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    for who in ("Żółć", "李小龙", "O'Brien, Mary-Ann", "محمد"):
        assert post(client, who, draft("a", ids[0], "name", label="other")).status_code == 200
        assert columns(client, who)["label"][0] == "other"


def test_only_labels_of_the_study_are_accepted(client: Client, found: Study, draft: Drafting) -> None:
    cell = columns(client)["id"][0]
    assert post(client, "Ada", draft("a", cell, "name", label="plasma cell")).status_code == 400
    with ReviewStore.open(found) as store:  # as an import from another program may
        store.append("qupath:x.geojson", [draft("a", cell, "name", label="plasma cell")])
    assert client.get("/api/study").json()["classes"][-1] == {"name": "plasma cell", "key": "b"}
    assert post(client, "Ada", draft("a", cell, "name", label="plasma cell")).status_code == 200


def test_an_unknown_cell_is_a_conflict(client: Client, draft: Drafting) -> None:
    assert post(client, "Ada", draft("a", str(uuid.uuid4()), "check", status="kept")).status_code == 409


@pytest.mark.parametrize("slide", ["nowhere", "a" * 300, "a\ud800"])
def test_an_unknown_slide_gets_one_line(slide: str, client: Client, draft: Drafting) -> None:
    body = {"reader": "Ada", "events": [draft(slide, "1", "check", status="kept")]}
    headers = {"Content-Type": "application/json"}
    answers = [client.post("/api/events", content=json.dumps(body), headers=headers)]
    if slide.isascii():
        answers.append(client.get(f"/api/slides/{slide}/cells?reader=Ada"))
    for answer in answers:
        assert answer.status_code in (400, 404)
        assert "slide" in answer.json()["problem"]


def test_invalid_unicode_is_refused_in_every_field(client: Client) -> None:
    bad = "a\ud800"
    event = {"id": "1", "slide": "a", "cell": "1", "kind": "name", "after": {"label": "other"}}
    for changed in ({"id": bad}, {"cell": bad}, {"kind": bad}, {"after": {"label": bad}}, {"after": {bad: 1}}):
        body = json.dumps({"reader": "Ada", "events": [{**event, **changed}]})
        answer = client.post("/api/events", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["problem"]


def test_a_full_disk_is_reported(client: Client, draft: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = columns(client)["id"][0]

    def full(*_: object) -> None:
        raise DiskFullError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("orbicyte.review.new_batch.NewBatch.insert", full)
        answer = post(client, "Ada", draft("a", cell, "check", status="kept"))
    assert (answer.status_code, answer.json()) == (507, {"problem": "disk full"})
    assert columns(client)["status"][0] == 0
    assert post(client, "Ada", draft("a", cell, "check", status="kept")).status_code == 200


def test_a_read_only_study_can_be_viewed(
    found: Study, serving: Serving, draft: Drafting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.review.database.os.access", lambda *_: False)
    with serving(found) as client:
        answer = client.get("/api/study").json()
        assert answer["writable"] is False
        assert "read-only" in answer["note"]
        answer = post(client, "Ada", draft("a", columns(client)["id"][0], "check", status="kept"))
        assert answer.status_code == 403
        assert "read-only" in answer.json()["problem"]


def test_a_damaged_table_is_a_problem_of_its_slide_only(client: Client, found: Study) -> None:
    (found.slides / "b" / "cells.parquet").write_bytes(b"damaged")
    first, second = client.get("/api/study").json()["slides"]
    assert first["cells"] == 12
    assert "damaged" in second["problem"]
    assert client.get("/api/slides/b/cells?reader=Ada").status_code == 404


def test_the_page_and_its_files_are_served_as_built(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "WEB", tmp_path)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "not built" in answer.text
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>review")
    (tmp_path / "assets" / "page.js").write_text("1")
    assert client.get("/").text == "<p>review"
    script = client.get("/assets/page.js")
    assert script.text == "1"
    assert "javascript" in script.headers["Content-Type"]
    assert client.get("/assets/none.js").json() == {"problem": "there is no such file"}
    assert client.get("/nothing").json() == {"problem": "Not Found"}
    assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 404
