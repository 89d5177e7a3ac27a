import errno
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orbicyte.data.patches import LEARNED_FROM, SCHEMA, Entry, PatchStore, Skipped, ring, write_store
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import read_json, write_json

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
LABELS = ["b", None, "a", None, "b", None]


def _entries(order: list[int]) -> Iterator[Entry | Skipped]:
    for at in order:
        yield Entry(IMAGES[at], f"{at}.png", LABELS[at], mpp=0.25, shared=at == 5)
    yield Skipped("z.png", "empty file")


@pytest.fixture
def store(tmp_path: Path) -> PatchStore:
    return write_store(tmp_path / "patches", _entries([*range(6), 2]), side_px=16, warnings=["mind"], source={"a": 1})


def test_round_trip(store: PatchStore) -> None:
    np.testing.assert_array_equal(store.images, IMAGES)
    np.testing.assert_array_equal(store.images.read(1, 3), IMAGES[1:3])
    np.testing.assert_array_equal(store.images.read(len(IMAGES) - 1, len(IMAGES) + 5), IMAGES[-1:])
    assert not store.images.flags.writeable
    assert list(store.cells["file"]) == [f"{at}.png" for at in range(6)]
    assert list(store.cells["label"]) == LABELS
    assert list(store.cells["slide"]) == [None] * 6
    assert store.cells["width_px"].tolist() == [16] * 6
    assert (store.labelled.tolist(), store.unlabelled.tolist()) == ([0, 2, 4], [1, 3])
    assert store.types == {"a": 1, "b": 2}
    assert (store.side_px, store.view_px, store.mpp) == (16, 16, None)
    assert (store.warnings, store.source) == (["mind"], {"a": 1})
    assert store.skipped == [Skipped("z.png", "empty file")]
    assert [group.dropped for group in store.duplicates] == [["2.png"]]
    assert [path.name for path in store.path.parent.iterdir()] == ["patches"]


def test_a_copy_in_another_process_maps_the_same_file(store: PatchStore) -> None:
    pickled = pickle.dumps(store)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).images, IMAGES)


def test_the_fill_colour_is_the_mean_just_inside_the_rim(tmp_path: Path) -> None:
    rim = ring(32, 20)
    image = np.zeros((32, 32, 3), np.uint8)
    image[rim] = (255, 51, 0)
    entries = [Entry(image, "a"), Entry(np.where(rim[..., None], image, 255), "b")]
    store = write_store(tmp_path / "s", entries, side_px=32, view_px=20)
    assert store.fill_rgb == pytest.approx((1, 0.2, 0))
    assert store.has_margin
    y, x = np.nonzero(rim)
    radius = np.hypot(y - 15.5, x - 15.5)
    assert 9 <= radius.min() <= radius.max() <= 10


def test_the_fingerprint_depends_on_pixels_and_table(tmp_path: Path, store: PatchStore) -> None:
    again = write_store(tmp_path / "again", _entries(list(range(6))), side_px=16)
    assert again.fingerprint == store.fingerprint
    rest = list(_entries(list(range(1, 6))))
    relabelled = write_store(tmp_path / "r", [Entry(IMAGES[0], "0.png", "c", mpp=0.25), *rest], side_px=16)
    rotated = write_store(tmp_path / "t", [Entry(np.rot90(IMAGES[0]), "0.png", "b", mpp=0.25), *rest], side_px=16)
    assert len({store.fingerprint, relabelled.fingerprint, rotated.fingerprint}) == 3


def test_a_store_is_not_overwritten_and_never_empty(tmp_path: Path, store: PatchStore) -> None:
    with pytest.raises(OrbicyteError, match="exists"):
        write_store(store.path, _entries([0]), side_px=16)
    with pytest.raises(OrbicyteError, match="no patch is left to import: 1 unreadable, 0 dropped"):
        write_store(tmp_path / "empty", _entries([]), side_px=16)
    contradiction = [Entry(IMAGES[0], "a.png", "a"), Entry(IMAGES[0], "b.png", "b")]
    with pytest.raises(OrbicyteError, match="no patch is left to import: 0 unreadable, 2 dropped"):
        write_store(tmp_path / "empty", contradiction, side_px=16, on_conflict="drop")
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("where", ["images", "table", "json"])
def test_after_a_full_disk_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {"images": "AppendableArray.append", "table": "pq.write_table", "json": "write_json"}[where]
    monkeypatch.setattr(f"orbicyte.data.patches.{target}", full)
    with pytest.raises(OrbicyteError, match="No space left on device; free some disk space and run again"):
        write_store(tmp_path / "patches", _entries([0, 1]), side_px=16)
    assert list(tmp_path.iterdir()) == []


def test_missing_damaged_and_newer_stores(tmp_path: Path, store: PatchStore) -> None:
    with pytest.raises(OrbicyteError, match=r"no patches in .*orbicyte import"):
        PatchStore.open(tmp_path / "nothing")
    about = json.loads((store.path / "store.json").read_text())
    whole = (store.path / "images.npy").read_bytes()
    (store.path / "images.npy").write_bytes(whole[:-1])
    with pytest.raises(OrbicyteError, match=r"damaged .*import again"):
        PatchStore.open(store.path)
    (store.path / "images.npy").write_bytes(whole)
    (store.path / "store.json").write_text(json.dumps(about | {"side_px": 17}))
    with pytest.raises(OrbicyteError, match="damaged"):
        PatchStore.open(store.path)
    (store.path / "store.json").write_text(json.dumps(about | {"format": 4}))
    with pytest.raises(OrbicyteError, match="format 4, this orbicyte reads up to 3"):
        PatchStore.open(store.path)
    (store.path / "store.json").write_text(json.dumps(about))
    (store.path / "cells.parquet").write_bytes(b"PAR1")
    with pytest.raises(OrbicyteError, match="damaged"):
        PatchStore.open(store.path)


def test_a_store_of_format_1_opens_with_empty_new_columns(store: PatchStore) -> None:
    about = read_json(store.path / "store.json")
    write_json(store.path / "store.json", about | {"format": 1, "digests": {}})
    old = pd.read_parquet(store.path / "cells.parquet")[LEARNED_FROM]
    old.to_parquet(store.path / "cells.parquet")
    opened = PatchStore.open(store.path)
    assert opened.cells.columns.tolist() == SCHEMA.names
    assert opened.cells[["id", "x_px", "y_px", "reviewer", "status"]].isna().all(axis=None)
    assert opened.fingerprint == store.fingerprint
    assert (opened.labelled == store.labelled).all()


def test_an_incomplete_store_is_an_error_with_advice(store: PatchStore) -> None:
    about = read_json(store.path / "store.json")
    write_json(store.path / "store.json", about | {"complete": False})
    with pytest.raises(OrbicyteError, match=r"is incomplete: run 'orbicyte cut .*' again to continue"):
        PatchStore.open(store.path)
