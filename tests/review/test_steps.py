"""Steps of undo in words."""

from collections.abc import Callable
from typing import Any

import pytest

from orbicyte.review.steps import described
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

Drafting = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("kind", "after", "words"),
    [
        ("check", {"status": "kept"}, "kept 2 cells on a"),
        ("check", {"status": "rejected"}, "rejected 2 cells on a"),
        ("check", {"status": "unchecked"}, "reset 2 cells on a"),
        ("move", {"x_px": 5, "y_px": 6}, "moved 2 cells on a"),
        ("resize", {"diameter_px": 9}, "resized 2 cells on a"),
        ("name", {"label": "band {2}"}, "labelled 2 cells band {2} on a"),
        ("name", {"label": None}, "cleared the label of 2 cells on a"),
        ("outline", {"outline_px": [9, 9, 30, 9, 9, 30]}, "changed 2 cells on a"),
    ],
)
def test_a_step_is_described_the_same_before_and_after_its_undo(
    kind: str, after: dict[str, Any], words: str, found: Study, draft: Drafting
) -> None:
    with ReviewStore.open(found) as store:
        ids = sorted(store.cells("a"))[:2]
        store.append("Ada", [draft("a", one, kind, **after) for one in ids])
        for _ in range(2):
            assert described(store.next_step("Ada", "undo")) == words
            assert store.next_step("Ada", "redo") == []
            assert described(store.undo("Ada")) == words
            assert store.next_step("Ada", "undo") == []
            assert described(store.next_step("Ada", "redo")) == words
            store.redo("Ada")


def test_an_added_cell_and_different_decisions_in_one_step(found: Study, draft: Drafting) -> None:
    with ReviewStore.open(found) as store:
        store.append("Ada", [draft("a", "new", "add", x_px=3, y_px=3, diameter_px=30)])
        assert described(store.next_step("Ada", "undo")) == "added 1 cell on a"
        first = sorted(store.cells("b"))[0]
        store.append("Ada", [draft("a", "new", "check", status="kept"), draft("b", first, "name", label="other")])
        assert described(store.next_step("Ada", "undo")) == "changed 2 cells on a, b"
        assert described([]) is None
        assert store.readers() == ["Ada"]
