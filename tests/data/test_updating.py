"""If an update of a store ends early: the store is unchanged, or refuses to open, and the next update repairs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orbicyte.data.appending import AppendableArray
from orbicyte.data.patches import PatchStore, pixels_of, ring
from orbicyte.data.updating import StoreUpdate, is_same, source_of, updating
from orbicyte.errors import OrbicyteError

SIDE_PX = 16
RIM = np.flatnonzero(ring(SIDE_PX, SIDE_PX))
Cells = dict[str, int]
"""The position of each cell; the image depends on the cell and its position."""


def picture(cell: str, place: int) -> NDArray[np.uint8]:
    return np.random.default_rng([ord(cell), place]).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def wanted(cells: Cells, label: str | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"id": list(cells), "x_px": [float(place) for place in cells.values()], "y_px": 1.0})
    constant = {"slide": "s", "patient": None, "mpp": 0.5, "width_px": 16, "height_px": 16, "shared": False}
    return table.assign(file="s/" + table["id"], label=label, reviewer=None, status="kept", **constant)


def change(path: Path, cells: Cells, lost: str = "", **given: Any) -> list[str]:
    """Update the store to contain these cells; returns those that were read. Those in ``lost`` cannot be read."""
    read = []
    options = {"side_px": SIDE_PX, "view_px": SIDE_PX, "mpp": 0.5, "source": {"cut": {}}, **given}
    with updating(path, wanted(cells), **options) as store:
        for row, (cell, x_px) in store.unread[["id", "x_px"]].iterrows():
            if cell not in lost:
                image = picture(str(cell), int(x_px))
                store.write(int(str(row)), image, pixels_of(image, RIM))
                read.append(str(cell))
                store.keep()
        store.finish([], [])
    return sorted(read)


def require(store: PatchStore, cells: Cells) -> None:
    assert dict(zip(store.cells["id"], store.cells["x_px"].astype(int), strict=True)) == cells
    for image, cell in zip(store.images, store.cells["id"], strict=True):
        np.testing.assert_array_equal(image, picture(cell, cells[cell]))
    assert store.cells["cell"].tolist() == list(range(len(cells)))


@pytest.fixture(scope="module", autouse=True)
def without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


CELLS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 2), min_size=1)


@settings(max_examples=15)
@given(states=st.lists(CELLS, min_size=2, max_size=4))
def test_only_new_and_moved_cells_are_read(states: list[Cells], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("updating") / "patches"
    before: Cells = {}
    for cells in states:
        read = change(path, cells)
        assert read == sorted(cell for cell, place in cells.items() if before.get(cell) != place)
        require(PatchStore.open(path), cells)
        before = cells


STEPS = ["orbicyte.data.updating.write_json", "orbicyte.data.updating.write_table", "orbicyte.data.updating.discard"]
STEPS += [f"orbicyte.data.appending.AppendableArray.{name}" for name in ("__init__", "write", "move", "sync", "finish")]


class Killed(BaseException):
    """An error that no code handles."""


@given(before=CELLS, after=CELLS, left=st.integers(0, 40))
def test_a_process_that_ends_at_any_step_leaves_no_wrong_patch(
    before: Cells, after: Cells, left: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From that step on, no step has an effect, as in a process that was killed."""
    path = tmp_path_factory.mktemp("updating") / "patches"
    change(path, before)
    with pytest.MonkeyPatch.context() as patch:
        steps = iter(range(left))
        for name in STEPS:
            _kill_when_over(patch, name, steps)
        try:
            change(path, after)
            was_killed = False
        except Killed:
            was_killed = True
    try:
        require(PatchStore.open(path), before if was_killed else after)
    except OrbicyteError as refusal:
        assert "is incomplete: run 'orbicyte cut" in str(refusal)  # noqa: PT017
        assert was_killed
    change(path, after)
    require(PatchStore.open(path), after)


def _kill_when_over(patch: pytest.MonkeyPatch, name: str, steps: Any) -> None:
    function = resolve_name(name)

    def step(*args: Any, **kwargs: Any) -> Any:
        if next(steps, None) is None:
            raise Killed
        return function(*args, **kwargs)

    patch.setattr(name, step)


def test_unreadable_cells_are_left_out_and_read_at_the_next_update(tmp_path: Path) -> None:
    path, cells = tmp_path / "patches", {"a": 0, "b": 0, "c": 0}
    change(path, cells, lost="a")
    require(PatchStore.open(path), {"b": 0, "c": 0})
    assert change(path, cells) == ["a"]
    require(PatchStore.open(path), cells)
    assert is_same(PatchStore.open(path), wanted(cells), {"cut": {}})
    assert not is_same(PatchStore.open(path), wanted(cells, label="x"), {"cut": {}})
    with pytest.raises(OrbicyteError, match="no patch is left"):
        change(tmp_path / "none", cells, lost="abc")


def test_other_sizes_and_replaced_slides_are_read_again(tmp_path: Path) -> None:
    path, cells = tmp_path / "patches", {"a": 0, "b": 0}
    change(path, cells)
    assert change(path, cells, replaced=["t"]) == []
    assert change(path, cells, replaced=["s"]) == ["a", "b"]
    assert change(path, cells, mpp=0.25) == ["a", "b"]
    assert source_of(path) == {"cut": {}}
    assert source_of(tmp_path / "nothing") == {}


def test_saved_patches_are_not_lost_if_reading_ends_early(tmp_path: Path) -> None:
    path, cells = tmp_path / "patches", {"a": 0, "b": 0, "c": 0}

    def interrupted(self: StoreUpdate, row: int, image: NDArray[np.uint8], pixels: dict[str, Any]) -> None:
        if row == 2:
            raise KeyboardInterrupt
        write(self, row, image, pixels)

    write = StoreUpdate.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoreUpdate, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            change(path, cells)
    with pytest.raises(OrbicyteError, match="is incomplete"):
        PatchStore.open(path)
    assert change(path, cells) == ["c"]


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: AppendableArray, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AppendableArray, "write", full)
    with pytest.raises(OrbicyteError, match=r"cannot write .*patches: No space left on device; free some disk"):
        change(tmp_path / "patches", {"a": 0})


def test_the_fingerprint_depends_only_on_the_rows_in_their_order(tmp_path: Path) -> None:
    change(tmp_path / "a", {"a": 0, "b": 0})
    change(tmp_path / "b", {"a": 0, "b": 1})
    change(tmp_path / "b", {"a": 0, "b": 0})
    assert PatchStore.open(tmp_path / "a").fingerprint == PatchStore.open(tmp_path / "b").fingerprint
    assert json.loads((tmp_path / "b" / "store.json").read_text())["complete"] is True


def test_patches_are_kept_from_time_to_time_but_seldom_if_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, kept = [0.0], list[int]()
    monkeypatch.setattr("orbicyte.data.updating.time.monotonic", lambda: now[0])

    def slow(path: Path, table: pd.DataFrame) -> None:
        kept.append(int(table["digest"].notna().sum()))
        now[0] += 5

    cells = {chr(65 + at): at for at in range(20)}
    with updating(tmp_path / "patches", wanted(cells), side_px=SIDE_PX, view_px=SIDE_PX, mpp=0.5, source={}) as store:
        monkeypatch.setattr("orbicyte.data.updating._write", slow)
        for row, (cell, place) in enumerate(cells.items()):
            now[0] += 11
            image = picture(cell, place)
            store.write(row, image, pixels_of(image, RIM))
        monkeypatch.undo()
    assert kept == [3, 13]
