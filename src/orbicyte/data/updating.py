"""Updating a patch store in place: patches are replaced, added and removed; the others are not written again.

``store.json`` contains ``"complete": false`` from the first change to the last, and a row whose pixels are not (yet)
those of its cell has no digest in the table, which is written before the pixels. So if a process ends early, the next
one knows which rows it need not read again; until then ``PatchStore.open`` refuses the store.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from orbicyte.data.appending import AppendableArray
from orbicyte.data.patches import (
    IMAGES_FILE,
    SCHEMA,
    STORED,
    TABLE_FILE,
    PatchStore,
    Skipped,
    is_store,
    of_pixels,
    read_table,
    write_table,
)
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import describe_error, discard, replacing, write_json
from orbicyte.study.patch_store import FORMAT, STORE_FILE, read_store
from orbicyte.study.reading import sha256_of

POSITION = ["x_px", "y_px"]
WANTED = SCHEMA.remove(SCHEMA.get_field_index("cell"))
KEEP_EVERY_S, KEEP_EVERY_TIMES = 30.0, 20.0
"""Seconds after which patches are kept, and how many times longer that is than keeping them, which writes the whole
table: if it is large, keeping the patches of every slide would take more time than cutting them."""
SIZES = ("side_px", "view_px", "mpp")


class StoreUpdate:
    """A patch store during an update: ``table`` has one row for each row of the file, with the columns ``STORED``."""

    def __init__(self, path: Path, about: dict[str, Any], table: pd.DataFrame, images: AppendableArray) -> None:
        self.path, self.table = path, table
        self._about, self._images = about, images
        self._pixels: dict[int, dict[str, Any]] = {}
        self._keep_at = time.monotonic() + KEEP_EVERY_S

    @property
    def unread(self) -> pd.DataFrame:
        """The rows whose pixels are missing; their index is the row number in the file."""
        return self.table[self.table["file"].notna() & self.table["digest"].isna()]

    def write(self, row: int, image: NDArray[np.uint8], pixels: dict[str, Any]) -> None:
        """Write a patch (side_px, side_px, 3), 0 to 255, as row number ``row``, and the result of ``pixels_of``.

        From time to time, all are kept. Raises as ``AppendableArray.write``.
        """
        self._images.write(row, image)
        self._pixels[row] = pixels
        if time.monotonic() > self._keep_at:
            self.keep()

    def keep(self) -> None:
        """Save the patches written so far, so that they are not lost if the process ends."""
        begun_at = time.monotonic()
        if self._pixels:
            self._images.sync()
            rows = list(self._pixels)
            for name in ("digest", "rim_rgb"):
                values = pd.Series([self._pixels[row][name] for row in rows], rows, dtype=object)
                self.table.loc[rows, name] = values
            self._pixels = {}
            _write(self.path, self.table)
        took_s = time.monotonic() - begun_at
        self._keep_at = begun_at + took_s + max(KEEP_EVERY_S, KEEP_EVERY_TIMES * took_s)

    def finish(self, skipped: Sequence[Skipped], warnings: Sequence[str]) -> PatchStore:
        """Remove rows without pixels, and open the store. Raises ``OrbicyteError`` if no row is left."""
        self.keep()
        self._close_gaps()
        if self.table.empty:
            raise OrbicyteError("no patch is left" + "".join(f"; {item.file}: {item.reason}" for item in skipped))
        self._images.finish(range(len(self.table)))
        self._images.sync()
        more = {"skipped": [asdict(item) for item in skipped], "warnings": list(warnings)}
        digests = {TABLE_FILE: sha256_of(self.path / TABLE_FILE)}
        about = {**self._about, **more, **of_pixels(self.table), "digests": digests, "complete": True}
        write_json(self.path / STORE_FILE, about)
        return PatchStore.open(self.path)

    def _close_gaps(self) -> None:
        """Move the last rows to the positions of those without pixels."""
        has_pixels = self.table["digest"].notna().to_numpy()
        left = int(has_pixels.sum())
        gaps, last = np.flatnonzero(~has_pixels[:left]), left + np.flatnonzero(has_pixels[left:])
        for gap, row in zip(gaps.tolist(), last.tolist(), strict=True):
            self._images.move(row, gap)
        self._images.sync()
        order = np.arange(left)
        order[gaps] = last
        self.table = _numbered(self.table.iloc[order])
        _write(self.path, self.table)


@contextmanager
def updating(
    path: Path,
    wanted: pd.DataFrame,
    *,
    side_px: int,
    view_px: int,
    mpp: float,
    source: dict[str, Any],
    replaced: Sequence[str] = (),
) -> Iterator[StoreUpdate]:
    """Update the store in ``path``, created if absent, to contain a patch for each row of ``wanted``.

    ``wanted`` has the columns ``SCHEMA`` without ``cell``; patches with the same ``file``, ``x_px`` and ``y_px`` are
    kept, unless their slide is one of the ``replaced``, or sizes or ``mpp`` differ. When the block ends, also by an
    error, the patches written so far are saved. Raises ``OrbicyteError`` if the store cannot be written.
    """
    sizes = {"format": FORMAT, "side_px": side_px, "view_px": view_px, "mpp": mpp}
    about = {**sizes, "source": source, "duplicates": [], "complete": False}
    old = _begin(path, about)
    table = _placed(wanted, old, replaced)
    _write(path, table)
    write_json(path / STORE_FILE, about)
    with AppendableArray(path / IMAGES_FILE, (side_px, side_px, 3), len(old)) as images:
        update = StoreUpdate(path, about, table, images)
        try:
            try:
                yield update
            finally:
                update.keep()
        except OSError as error:
            raise OrbicyteError(f"cannot write {path}: {describe_error(error)}") from error


def source_of(path: Path) -> dict[str, Any]:
    """The origin of the store in ``path``, which may be incomplete; empty if there is no store."""
    return read_store(path).source if is_store(path) else {}


def is_same(store: PatchStore, wanted: pd.DataFrame, source: dict[str, Any]) -> bool:
    """Whether ``store`` contains exactly the rows ``wanted``, in any order, from the same ``source``."""
    have, want = (
        pa.Table.from_pandas(table.sort_values("file"), WANTED, preserve_index=False) for table in (store.cells, wanted)
    )
    return store.source == source and bool(have.equals(want))


def _begin(path: Path, about: dict[str, Any]) -> pd.DataFrame:
    """Mark the store as incomplete; return the rows of its file, none if they have other sizes."""
    if not is_store(path):
        write_json(path / STORE_FILE, about)
        return _no_rows()
    before = read_store(path)
    write_json(path / STORE_FILE, {"format": FORMAT, **asdict(before), "complete": False})
    is_there = all((path / name).exists() for name in (TABLE_FILE, IMAGES_FILE))
    if is_there and all(getattr(before, name) == about[name] for name in SIZES):
        return read_table(path / TABLE_FILE, before.advice)
    discard(path / TABLE_FILE)
    return _no_rows()


def _placed(wanted: pd.DataFrame, old: pd.DataFrame, replaced: Sequence[str]) -> pd.DataFrame:
    """The new table: existing cells keep their row, new ones get the free rows, then further ones."""
    was_at = {file: row for row, file in enumerate(old["file"]) if file is not None}
    kept = [was_at.get(file) for file in wanted["file"]]
    taken = set(kept)
    free = (row for row in count() if row not in taken)
    rows = [next(free) if row is None else row for row in kept]
    table = wanted.set_index(pd.Index(rows)).reindex(range(max(rows, default=-1) + 1))
    table = table.assign(digest=None, rim_rgb=None)
    before = old.reindex(table.index)
    same = (before["file"] == table["file"]) & (before[POSITION] == table[POSITION]).all(axis=1)
    same &= ~table["slide"].isin(replaced)
    for name in ("digest", "rim_rgb"):
        table[name] = before[name].astype(object).where(same, None)
    return _numbered(table)


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True).assign(cell=np.arange(len(table))).reindex(columns=STORED.names)


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame(columns=STORED.names)


def _write(path: Path, table: pd.DataFrame) -> None:
    with replacing(path / TABLE_FILE) as temporary:
        write_table(temporary, table)
