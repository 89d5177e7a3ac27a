"""The log: events are neither lost nor changed, and a batch that cannot be saved is refused as a whole."""

import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.refusals import ConflictError, NotNowError, RefusedError
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells, write_cells

Drafting = Callable[..., dict[str, Any]]

APPEND = """
import sys, uuid
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
with ReviewStore.open(Study.open(sys.argv[1])) as store:
    cells = sorted(store.cells("a"))
    for i in range(25):
        event = {"slide": "a", "cell": cells[i % 12], "kind": "move", "after": {"x_px": i, "y_px": 1}}
        (saved,) = store.append(sys.argv[2], [{"id": str(uuid.uuid4()), **event}])
        print(*saved)
"""


@pytest.fixture
def store(found: Study) -> ReviewStore:
    return ReviewStore.open(found)


@pytest.fixture
def cell(found: Study) -> str:
    return str(read_cells(found, "a")["id"][0])


def test_an_event_contains_reader_time_cell_before_and_after(store: ReviewStore, draft: Drafting, cell: str) -> None:
    sent = [draft("a", cell, "check", status="kept"), draft("a", cell, "check", status="rejected")]
    assert store.append("Ada Ł", sent) == [(sent[0]["id"], 1), (sent[1]["id"], 2)]
    first, second = store.events()
    assert (first.who, first.slide, first.cell, first.kind) == ("Ada Ł", "a", cell, "check")
    assert (first.before, first.after) == ({"status": "unchecked"}, {"status": "kept"})
    assert (second.before, second.after) == ({"status": "kept"}, {"status": "rejected"})
    assert first.batch == second.batch
    assert datetime.fromisoformat(first.at).utcoffset() is not None
    assert store.events(since=1) == [second]


def test_reading_creates_no_file(store: ReviewStore) -> None:
    assert store.cells("a")
    assert store.events() == []
    assert not store.path.exists()


def test_a_batch_sent_twice_is_saved_once(store: ReviewStore, draft: Drafting, cell: str) -> None:
    sent = [draft("a", cell, "move", x_px=3, y_px=4), draft("a", cell, "name", label="myelocyte")]
    again = [*sent, draft("a", cell, "resize", diameter_px=9)]
    assert store.append("Ada", again)[:2] == store.append("Ada", again)[:2] == store.append("Ada", sent)
    assert len(store.events()) == 3


@pytest.mark.parametrize("change", [{"kind": "resize", "after": {"diameter_px": 4}}, {"slide": "b"}])
def test_an_id_of_another_event_is_a_conflict(
    change: dict[str, Any], store: ReviewStore, draft: Drafting, cell: str
) -> None:
    sent = draft("a", cell, "move", x_px=3, y_px=4)
    store.append("Ada", [sent])
    with pytest.raises(ConflictError, match=sent["id"]):
        store.append("Ada", [{**sent, **change}])
    with pytest.raises(ConflictError, match=sent["id"]):
        store.append("Bo", [sent])


@pytest.mark.parametrize(
    ("kind", "after", "problem"),
    [
        ("check", {"status": "removed"}, "status"),
        ("check", {}, "status"),
        ("move", {"x_px": float("nan"), "y_px": 1}, "x_px"),
        ("move", {"x_px": 3000, "y_px": 1}, "not on a, 2048 x 2048 px"),
        ("move", {"x_px": -1, "y_px": 1}, "not on a"),
        ("resize", {"diameter_px": 0}, "diameter_px"),
        ("resize", {"diameter_px": 1e6}, "larger than a"),
        ("name", {"label": ""}, "label"),
        ("name", {"label": "x", "status": "kept"}, "status"),
        ("erase", {}, "kind"),
    ],
)
def test_an_invalid_event_is_refused_with_its_whole_batch(
    kind: str, after: dict[str, Any], problem: str, store: ReviewStore, draft: Drafting, cell: str
) -> None:
    with pytest.raises(RefusedError, match=problem):
        store.append("Ada", [draft("a", cell, "check", status="kept"), draft("a", cell, kind, **after)])
    assert store.events() == []
    assert store.cells("a")[cell].status == "unchecked"


def test_decisions_on_unknown_cells_and_adding_a_known_cell_are_refused(
    store: ReviewStore, draft: Drafting, cell: str
) -> None:
    with pytest.raises(ConflictError, match="does not exist"):
        store.append("Ada", [draft("a", "nobody", "check", status="kept")])
    with pytest.raises(OrbicyteError, match="no slide 'c'"):
        store.append("Ada", [draft("c", cell, "check", status="kept")])
    circle = {"x_px": 4, "y_px": 4, "diameter_px": 30}
    with pytest.raises(ConflictError, match="already exists"):
        store.append("Ada", [draft("a", cell, "add", **circle)])
    store.append("Ada", [draft("a", "new", "add", **circle)])
    store.undo("Ada")
    with pytest.raises(ConflictError, match="does not exist"):
        store.append("Bo", [draft("a", "new", "check", status="kept")])


def test_a_reader_without_a_name_is_refused(store: ReviewStore, draft: Drafting, cell: str) -> None:
    with pytest.raises(RefusedError, match="name"):
        store.append(" ", [draft("a", cell, "check", status="kept")])


def test_stores_see_what_others_appended(found: Study, draft: Drafting, cell: str) -> None:
    with ReviewStore.open(found) as ada, ReviewStore.open(found) as bo:
        ada.append("Ada", [draft("a", cell, "check", status="kept")])
        bo.append("Bo", [draft("a", cell, "check", status="rejected")])
        assert bo.events()[1].before == {"status": "kept"}
        assert ada.cells("a") == bo.cells("a")
        assert ada.cells("a")[cell].reviewer == "Bo"


def test_another_detection_keeps_decisions_on_cells_it_found_again(found: Study, draft: Drafting, cell: str) -> None:
    with ReviewStore.open(found) as store:
        other = sorted(set(store.cells("a")) - {cell})[0]
        store.append("Ada", [draft("a", one, "check", status="kept") for one in (cell, other)])
        table = read_cells(found, "a")
        write_cells(found, "a", table[table["id"] != other])
        assert store.cells("a")[cell].status == "kept"
        assert other not in store.cells("a")
        assert store.lost("a") == 1


def test_only_the_table_of_detected_cells_read_last_is_kept_until_it_changes(
    found: Study, store: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counted(study: Study, slide: str) -> pd.DataFrame:
        reads.append(slide)
        return read_cells(study, slide)

    monkeypatch.setattr("orbicyte.review.store.read_cells", counted)
    store.cells("a")
    table = store.found_cells("a")
    assert store.found_cells("a") is table
    assert reads == ["a"]
    store.found_cells("b")
    pd.testing.assert_frame_equal(store.found_cells("a"), table)
    assert reads == ["a", "b", "a"]
    write_cells(found, "a", table[:3])
    assert len(store.found_cells("a")) == len(store.cells("a")) == 3
    assert reads == ["a", "b", "a", "a"]


def test_threads_lose_nothing(store: ReviewStore, draft: Drafting) -> None:
    cells = sorted(store.cells("a"))

    def decide(number: int) -> list[tuple[str, int]]:
        sent = [draft("a", cells[i], "resize", diameter_px=number + 1) for i in range(10)]
        return [saved for one in sent for saved in store.append(f"reader {number}", [one])]

    with ThreadPoolExecutor(6) as threads:
        reported = [saved for batch in threads.map(decide, range(6)) for saved in batch]
    assert sorted(reported) == sorted((event.id, event.seq) for event in store.events())
    assert len(reported) == 60
    with ReviewStore.open(store.study) as again:
        assert again.cells("a") == store.cells("a")


def test_processes_lose_nothing(found: Study) -> None:
    words = [sys.executable, "-c", APPEND, str(found.path)]
    running = [subprocess.Popen([*words, f"r{i}"], stdout=subprocess.PIPE, text=True) for i in range(4)]
    reported = [tuple(line.split()) for process in running for line in process.communicate()[0].splitlines()]
    assert all(process.returncode == 0 for process in running)
    with ReviewStore.open(found) as store:
        events = store.events()
        assert sorted(reported) == sorted((event.id, str(event.seq)) for event in events)
        assert [event.seq for event in events] == list(range(1, 101))
        state = {cell: found.x_px for cell, found in store.cells("a").items()}
    for event in events:  # each was made after reading the one before
        earlier = [one for one in events[: event.seq - 1] if one.cell == event.cell]
        if earlier:
            assert event.before == earlier[-1].after
    assert all(state[event.cell] == event.after["x_px"] for event in events[-1:])


def test_a_file_replaced_while_open_is_not_written_to(store: ReviewStore, draft: Drafting, cell: str) -> None:
    store.append("Ada", [draft("a", cell, "check", status="kept")])
    store.path.unlink()
    with pytest.raises(NotNowError, match="moved or replaced"):
        store.append("Ada", [draft("a", cell, "check", status="rejected")])


def test_ids_may_be_any_uuid(store: ReviewStore, draft: Drafting, cell: str) -> None:
    one = {**draft("a", cell, "check", status="kept"), "id": uuid.uuid4().hex}
    assert store.append("Ada", [one]) == [(one["id"], 1)]
    with pytest.raises(RefusedError, match="id"):
        store.append("Ada", [{**one, "id": "../x"}])
