"""What the page asks the server, and is told."""

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
from orbicyte.study.types import types_path

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


def test_the_study_is_told_as_it_is(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    post(client, "Bo", draft("a", ids[0], "check", status="rejected"), draft("a", ids[1], "check", status="kept"))
    post(client, "Ada", draft("a", ids[1], "name", label="myelocyte"), draft("a", ids[2], "name", label="unsure"))
    told = client.get("/api/study").json()
    assert (told["study"], told["writable"], told["note"], told["predicted"]) == ("study", True, None, False)
    assert [one["name"] for one in told["classes"]] == list(TYPES)
    assert told["extra"] == [
        {"name": "other", "key": "o"},
        {"name": "unsure", "key": "u"},
        {"name": "not a cell", "key": "x"},
    ]
    assert told["readers"] == ["Ada"]
    first, second = told["slides"]
    assert (first["name"], first["width_px"], first["mpp"], first["tile_px"]) == ("a", 2048, 0.25, 256)
    assert (first["cells"], first["rejected"], first["checked"], first["named"]) == (11, 1, 2, {"Ada": 2})
    assert (second["cells"], second["checked"], second["named"]) == (5, 0, {})
    assert "a.tif" in first["problem"]  # there is no picture


def test_cells_come_as_columns_of_one_length(client: Client, found: Study, draft: Drafting) -> None:
    table = read_cells(found, "a")
    ids = table["id"].tolist()
    post(client, "Ada", draft("a", ids[0], "check", status="rejected"), draft("a", ids[0], "name", label="other"))
    post(client, "Bo", draft("a", "new", "add", x_px=7, y_px=9, diameter_px=30))
    told = columns(client)
    assert told.pop("seq") == 3
    assert {len(column) for column in told.values()} == {13}
    assert told["id"] == [*ids, "new"]
    assert told["x_px"] == [*table["x_px"], 7]
    assert told["status"] == [2] + [0] * 11 + [1]
    assert told["added"] == [False] * 12 + [True]
    assert told["label"] == ["other"] + [None] * 12
    assert told["score"][-1] is None
    assert told["doubt"][-1] == 0
    assert told["doubt"][3] == pytest.approx(1 - 2 * abs(table["score"][3] - 0.5), abs=1e-3)
    assert told["predicted"] == told["probability"] == [None] * 13
    assert columns(client, "Bo")["label"] == [None] * 13


def test_predicted_types_are_told_where_there_are_some(client: Client, found: Study) -> None:
    ids = read_cells(found, "a")["id"].tolist()
    typed = pd.DataFrame({"id": [*ids[:2], ids[2]], "type": ["myelocyte", "lymphocyte", "basophil"]})
    typed.assign(slide=["a", "a", "b"], probability=[0.5, 0.25, 0.1]).to_parquet(types_path(found))
    told = columns(client)
    assert told["predicted"][:3] == ["myelocyte", "lymphocyte", None]
    assert told["probability"][:3] == [0.5, 0.25, None]
    assert client.get("/api/study").json()["predicted"] is True
    types_path(found).write_bytes(b"damaged")
    answer = client.get("/api/slides/a/cells?reader=Ada")
    assert "types.parquet is damaged" in answer.json()["problem"]


def test_outlines_are_those_found_and_none_after_a_move(client: Client, found: Study, draft: Drafting) -> None:
    table = read_cells(found, "a")
    first, second = table["id"][:2]
    post(client, "Ada", draft("a", first, "move", x_px=7, y_px=9))
    assert client.get(f"/api/slides/a/cells/{first}/outline").json() == {"outline_px": None}
    outline = client.get(f"/api/slides/a/cells/{second}/outline").json()["outline_px"]
    assert outline == pytest.approx(list(table["outline_px"][1]), abs=0.01)
    assert client.get("/api/slides/a/cells/nobody/outline").status_code == 400


def test_two_at_once_see_each_others_checks_and_not_each_others_names(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    sent = [draft("a", ids[0], "check", status="kept"), draft("a", ids[0], "name", label="myelocyte")]
    saved = post(client, "Ada", *sent).json()
    assert saved == {"saved": [{"id": one["id"], "seq": seq} for seq, one in enumerate(sent, 1)], "seq": 2}
    told = client.get("/api/events", params={"since": 0, "reader": "Bo"}).json()
    assert told["seq"] == 2
    (event,) = told["events"]
    assert (event["who"], event["before"], event["after"]) == ("Ada", {"status": "unchecked"}, {"status": "kept"})
    client.post("/api/undo", json={"reader": "Ada"})
    told = client.get("/api/events", params={"since": 2, "reader": "Bo"}).json()
    assert [one["after"] for one in told["events"]] == [{"status": "unchecked"}]
    assert told["seq"] == 4
    own = client.get("/api/events", params={"since": 2, "reader": "Ada"}).json()["events"]
    assert [one["after"] for one in own] == [{"label": None}, {"status": "unchecked"}]
    assert client.get("/api/events", params={"since": 4, "reader": "Ada"}).json() == {"seq": 4, "events": []}


def test_two_who_named_one_cell_are_not_told_each_others_name(client: Client, draft: Drafting) -> None:
    cell = columns(client)["id"][0]
    for who, label in (("Ada", "myelocyte"), ("Bo", "lymphocyte")):
        post(client, who, draft("a", cell, "name", label=label))
    answer = client.get("/api/agreement")
    assert not [label for label in ("myelocyte", "lymphocyte") if label in answer.text]
    (pair,) = answer.json()["pairs"]
    assert (pair["readers"], pair["cells"], pair["agreement"]) == (["Ada", "Bo"], 1, None)


def test_undo_and_redo_answer_with_what_they_changed(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    nothing = client.post("/api/undo", json={"reader": "Ada"}).json()
    assert nothing == {"seq": 0, "events": [], "note": None}
    post(client, "Ada", draft("a", ids[0], "move", x_px=1, y_px=2), draft("a", ids[1], "check", status="kept"))
    undone = client.post("/api/undo", json={"reader": "Ada"}).json()
    assert [one["kind"] for one in undone["events"]] == ["undo", "undo"]
    assert undone["events"][0]["before"] == {"status": "kept"}
    redone = client.post("/api/redo", json={"reader": "Ada"}).json()
    assert redone["events"][0]["after"] == {"x_px": 1, "y_px": 2}
    post(client, "Bo", draft("a", ids[1], "check", status="rejected"))
    assert "1 of 2 stay" in client.post("/api/undo", json={"reader": "Ada"}).json()["note"]
    assert columns(client)["status"][1] == 2


def test_a_retry_is_saved_once(client: Client, draft: Drafting) -> None:
    sent = draft("a", columns(client)["id"][0], "check", status="kept")
    assert post(client, "Ada", sent).json() == post(client, "Ada", sent).json()


@pytest.mark.parametrize(
    ("body", "says"),
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
def test_what_makes_no_sense_is_one_line(body: Any, says: str, client: Client) -> None:
    answer = client.post("/api/events", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["problem"]
    assert "\n" not in answer.json()["problem"]


def test_readers_may_have_names_in_any_script(client: Client, draft: Drafting) -> None:
    ids = columns(client)["id"]
    for who in ("Żółć", "李小龙", "O'Brien, Mary-Ann", "محمد"):
        assert post(client, who, draft("a", ids[0], "name", label="other")).status_code == 200
        assert columns(client, who)["label"][0] == "other"


def test_only_the_studys_names_can_be_given(client: Client, found: Study, draft: Drafting) -> None:
    cell = columns(client)["id"][0]
    assert post(client, "Ada", draft("a", cell, "name", label="plasma cell")).status_code == 400
    with ReviewStore.open(found) as store:  # as an import from another program may
        store.append("qupath:x.geojson", [draft("a", cell, "name", label="plasma cell")])
    assert client.get("/api/study").json()["classes"][-1] == {"name": "plasma cell", "key": "a"}
    assert post(client, "Ada", draft("a", cell, "name", label="plasma cell")).status_code == 200


def test_a_cell_that_is_gone_is_a_conflict(client: Client, draft: Drafting) -> None:
    assert post(client, "Ada", draft("a", str(uuid.uuid4()), "check", status="kept")).status_code == 409


@pytest.mark.parametrize("slide", ["nowhere", "a" * 300, "a\ud800"])
def test_a_slide_that_is_not_there_is_one_line(slide: str, client: Client, draft: Drafting) -> None:
    body = {"reader": "Ada", "events": [draft(slide, "1", "check", status="kept")]}
    headers = {"Content-Type": "application/json"}
    answers = [client.post("/api/events", content=json.dumps(body), headers=headers)]
    if slide.isascii():
        answers.append(client.get(f"/api/slides/{slide}/cells?reader=Ada"))
    for answer in answers:
        assert answer.status_code in (400, 404)
        assert "slide" in answer.json()["problem"]


def test_what_is_no_unicode_is_refused_wherever_it_stands(client: Client) -> None:
    bad = "a\ud800"
    event = {"id": "1", "slide": "a", "cell": "1", "kind": "name", "after": {"label": "other"}}
    for changed in ({"id": bad}, {"cell": bad}, {"kind": bad}, {"after": {"label": bad}}, {"after": {bad: 1}}):
        body = json.dumps({"reader": "Ada", "events": [{**event, **changed}]})
        answer = client.post("/api/events", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["problem"]


def test_a_full_disk_is_told(client: Client, draft: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = columns(client)["id"][0]

    def full(*_: object) -> None:
        raise DiskFullError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("orbicyte.review.store._Writing.insert", full)
        answer = post(client, "Ada", draft("a", cell, "check", status="kept"))
    assert (answer.status_code, answer.json()) == (507, {"problem": "no room"})
    assert columns(client)["status"][0] == 0
    assert post(client, "Ada", draft("a", cell, "check", status="kept")).status_code == 200


def test_a_read_only_study_can_be_looked_at(
    found: Study, serving: Serving, draft: Drafting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.review.database.os.access", lambda *_: False)
    with serving(found) as client:
        told = client.get("/api/study").json()
        assert told["writable"] is False
        assert "read-only" in told["note"]
        answer = post(client, "Ada", draft("a", columns(client)["id"][0], "check", status="kept"))
        assert answer.status_code == 403
        assert "read-only" in answer.json()["problem"]


def test_a_slide_whose_table_is_damaged_is_a_problem_of_its_own(client: Client, found: Study) -> None:
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
