"""Undo and redo after any decisions, by one reader or several."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbicyte.review.refusals import ConflictError
from orbicyte.review.replay import Cells, found, replay
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import read_record

Seen = dict[str, tuple[object, ...]]
Decision = tuple[int, str, float]

KINDS = ["kept", "rejected", "unchecked", "move", "resize", "add", "myelocyte", "unsure", "no label"]
DECISION = st.tuples(st.integers(0, 3), st.sampled_from(KINDS), st.integers(1, 999).map(float))
BATCH = st.lists(DECISION, min_size=1, max_size=4)
STEP = BATCH | st.sampled_from(["undo", "redo"])
READER = st.sampled_from(["Ada", "Bo", "Cy"])
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def seen(cells: Cells) -> Seen:
    """The state that a reader, or cutting, uses."""
    return {
        id_: (cell.x_px, cell.y_px, cell.diameter_px, cell.score, cell.status, cell.labels, cell.reviewer)
        for id_, cell in cells.items()
        if cell.status != "removed"
    }


def event(store: ReviewStore, decision: Decision) -> dict[str, Any]:
    """About one of four cells of slide ``a``; the last of them a person has to add first."""
    number, kind, value = decision
    cell = "new" if number == 3 else sorted(store.cells("a"))[number]
    after: dict[str, Any] = {"label": None if kind == "no label" else kind}
    if kind in ("kept", "rejected", "unchecked"):
        kind, after = "check", {"status": kind}
    elif kind == "move":
        after = {"x_px": value, "y_px": 5.0}
    elif kind == "resize":
        after = {"diameter_px": value}
    elif kind == "add":
        cell, after = "new", {"x_px": value, "y_px": 7.0, "diameter_px": 40.0}
    else:
        kind = "name"
    return {"id": str(uuid.uuid4()), "slide": "a", "cell": cell, "kind": kind, "after": after}


def make_step(store: ReviewStore, reader: str, step: list[Decision] | str) -> None:
    """One step; skipped if the store refuses it."""
    if isinstance(step, str):
        store.undo(reader) if step == "undo" else store.redo(reader)
        return
    try:
        store.append(reader, [event(store, decision) for decision in step])
    except ConflictError:
        return


@MANY
@given(steps=st.lists(STEP, max_size=12))
def test_undo_to_the_start_restores_the_detected_cells_and_redo_the_decisions(
    steps: list[Any], new_study: Callable[[], Study]
) -> None:
    with ReviewStore.open(new_study()) as store:
        first = seen(store.cells("a"))
        for step in steps:
            make_step(store, "Ada", step)
        last = None
        while store.redo("Ada"):
            pass
        last = seen(store.cells("a"))
        while store.undo("Ada"):
            pass
        assert seen(store.cells("a")) == first
        assert not any(cell.decisions for cell in store.cells("a").values())
        while store.redo("Ada"):
            pass
        assert seen(store.cells("a")) == last


@MANY
@given(steps=st.lists(st.tuples(READER, STEP), max_size=16))
def test_undo_and_redo_keep_what_others_decided(steps: list[tuple[str, Any]], new_study: Callable[[], Study]) -> None:
    with ReviewStore.open(new_study()) as store:
        for reader, step in steps:
            before = store.cells("a")
            make_step(store, reader, step)
            if not isinstance(step, str):
                continue
            after = store.cells("a")
            for id_, cell in before.items():
                for group, made in cell.decisions.items():
                    if made.who != reader:
                        assert after[id_].decisions[group] == made
                        columns = {"position": ["x_px", "y_px"], "size": ["diameter_px"], "status": ["status"]}
                        fields = columns.get(group, ["label"])
                        who = made.who
                        assert after[id_].fields(fields, who) == cell.fields(fields, who)


@MANY
@given(batches=st.lists(st.tuples(READER, BATCH), max_size=12))
def test_undo_in_the_opposite_order_by_several_readers_restores_the_start(
    batches: list[tuple[str, list[Decision]]], new_study: Callable[[], Study]
) -> None:
    with ReviewStore.open(new_study()) as store:
        first = seen(store.cells("a"))
        readers = []
        for reader, batch in batches:
            known = store.seq
            make_step(store, reader, batch)
            readers += [reader] * (store.seq > known)
        for reader in reversed(readers):
            assert all(undone.after for undone in store.undo(reader))
        assert seen(store.cells("a")) == first


@MANY
@given(steps=st.lists(st.tuples(READER, STEP), max_size=16))
def test_replay_of_the_first_events_is_the_state_then_and_before_is_true(
    steps: list[tuple[str, Any]], new_study: Callable[[], Study]
) -> None:
    study = new_study()
    with ReviewStore.open(study) as store:
        then = {0: store.cells("a")}
        for reader, step in steps:
            make_step(store, reader, step)
            then[store.seq] = store.cells("a")
        events = store.events()
    for seq, cells in then.items():
        again = found(read_record(study, "a"), read_cells(study, "a"))
        for one in events[:seq]:
            if one.cell in again and one.kind != "add":
                assert again[one.cell].fields(one.before, one.who) == one.before
            assert replay(again, [one]) == 0
        assert again == cells
    with ReviewStore.open(study) as store:
        assert store.cells("a") == then[max(then)]


@pytest.fixture
def store(found: Study) -> ReviewStore:
    return ReviewStore.open(found)


def test_a_new_decision_ends_redo(store: ReviewStore) -> None:
    make_step(store, "Ada", [(0, "kept", 1)])
    store.undo("Ada")
    make_step(store, "Ada", [(1, "kept", 1)])
    assert store.redo("Ada") == []


def test_a_batch_is_undone_in_one_step_newest_event_first(store: ReviewStore) -> None:
    make_step(store, "Ada", [(0, "move", 10), (0, "move", 20), (1, "kept", 1)])
    undone = store.undo("Ada")
    assert [one.of for one in undone] == [3, 2, 1]
    assert undone[1].after == {"x_px": 10.0, "y_px": 5.0}
    assert len({one.batch for one in undone}) == 1
    assert store.undo("Ada") == []


def test_later_decisions_of_others_stay_and_earlier_batches_can_still_be_undone(store: ReviewStore) -> None:
    make_step(store, "Ada", [(1, "kept", 1)])
    make_step(store, "Ada", [(0, "kept", 1), (0, "move", 10)])
    make_step(store, "Bo", [(0, "kept", 1)])
    moved, status = store.undo("Ada")
    assert moved.after
    assert status.after == {}
    first, second = sorted(store.cells("a"))[:2]
    assert store.cells("a")[first].status == "kept"
    assert store.cells("a")[first].reviewer == "Bo"
    store.undo("Ada")
    assert store.cells("a")[second].status == "unchecked"


def test_an_added_cell_that_another_reader_labelled_is_not_removed_by_undo(store: ReviewStore) -> None:
    make_step(store, "Ada", [(3, "add", 10)])
    make_step(store, "Bo", [(3, "myelocyte", 1)])
    store.undo("Ada")
    assert store.cells("a")["new"].status == "kept"
    store.undo("Bo")
    store.redo("Ada")
    store.undo("Ada")
    assert store.cells("a")["new"].status == "kept"  # it stayed, and stays until a new decision
