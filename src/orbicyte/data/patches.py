"""The patch store: all patches of a study in one memory-mapped array, and a table with one row per cell.

::

    patches/
      images.npy      (N, S, S, 3), 8 bits
      cells.parquet   cell, file, label, slide, patient, mpp, width_px, height_px, shared; of cells on slides also
                      id, x_px, y_px, reviewer, status; and for the next update: digest and rim_rgb of the pixels
      store.json      format, sizes, colour outside the disc, fingerprint, skipped and dropped files

Format 1 had no columns for cells on slides, no digests, and was always complete. In formats 1 and 2 ``view_px`` was
called ``field_px``, and among the options of ``cut``, ``patch_px``.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from orbicyte.data.appending import AppendableArray
from orbicyte.data.duplicates import Duplicates, OnConflict, unique
from orbicyte.errors import OrbicyteError
from orbicyte.study import tables
from orbicyte.study.files import replacing, write_json
from orbicyte.study.npy import mapped
from orbicyte.study.patch_store import FORMAT, STORE_FILE, CheckedImages, StoreRecord, check_patches, read_store
from orbicyte.study.reading import check_digest, sha256_of
from orbicyte.study.values import LARGEST_PATCH_PX

TABLE_FILE, IMAGES_FILE = "cells.parquet", "images.npy"

ROWS_AT_ONCE = 4096
"""Rows that are Python objects at a time, which take several times the memory of a table."""
RIM = 0.9
"""Inner radius, in radii of the disc, of the ring whose mean colour is used outside the disc."""

SCHEMA = pa.schema(
    [
        ("cell", pa.int64()),
        ("file", pa.string()),
        ("label", pa.string()),
        ("slide", pa.string()),
        ("patient", pa.string()),
        ("mpp", pa.float64()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("shared", pa.bool_()),
        ("id", pa.string()),
        ("x_px", pa.float64()),
        ("y_px", pa.float64()),
        ("reviewer", pa.string()),
        ("status", pa.string()),
    ]
)
STORED = pa.schema([*SCHEMA, ("digest", pa.binary()), ("rim_rgb", pa.list_(pa.float64()))])
LEARNED_FROM = SCHEMA.names[: SCHEMA.names.index("shared") + 1]
"""Columns that the fingerprint includes: those on which training and classification depend, the ones of format 1."""


@dataclass(frozen=True)
class Entry:
    """A cell to store: ``image`` (S, S, 3), 0 to 255, and its row; the sizes are the original's, None if unchanged."""

    image: NDArray[np.uint8]
    file: str
    label: str | None = None
    slide: str | None = None
    patient: str | None = None
    mpp: float = math.nan
    width_px: int | None = None
    height_px: int | None = None
    shared: bool = False


@dataclass(frozen=True)
class Skipped:
    """A file that yielded no patch, and the reason."""

    file: str
    reason: str


@dataclass(frozen=True)
class PatchStore:
    """Patches and their table. Open one with ``PatchStore.open``, write one with ``write_store``.

    ``images``: (N, side_px, side_px, 3), 0 to 255.
    ``cells``: one row per patch, in the order of ``images``: ``cell`` (0, 1, ...), ``file`` (relative to its folder),
    ``label``, ``slide``, ``patient`` (or None), ``mpp`` (µm per pixel as stored, or NaN), ``width_px`` and
    ``height_px`` of the original, ``shared`` (unlabelled, from a slide or patient with labelled cells). Of cells cut
    from slides: ``id``, ``x_px`` and ``y_px`` (centre, level-0 pixels), ``status`` (unchecked or kept), ``reviewer``
    (who decided that, or None); else None and NaN.
    ``view_px``: side of the central square that networks see; ``fill_rgb``: 0 to 1, the colour outside its disc.
    ``mpp``: µm per pixel to which patches were scaled, None if unknown for some; ``source``: the origin of the store.
    ``fingerprint``: of pixels and table as they were imported or cut; it does not depend on later names of types, so
    networks trained before types were renamed are kept.
    """

    path: Path
    images: CheckedImages
    cells: pd.DataFrame
    side_px: int
    view_px: int
    mpp: float | None
    fill_rgb: tuple[float, float, float]
    fingerprint: str
    skipped: list[Skipped]
    duplicates: list[Duplicates]
    warnings: list[str]
    source: dict[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> "PatchStore":
        """The store in ``path``. Raises ``OrbicyteError`` if it is absent, incomplete, damaged or of a newer format."""
        path = Path(path)
        if not path.is_dir():
            raise OrbicyteError(f"no patches in {path}: make them with 'orbicyte import'")
        about = read_store(path)
        if not about.complete:
            raise OrbicyteError(f"{path} is incomplete: run 'orbicyte cut {path.parent}' again to continue")
        try:
            return cls._of(path, about)
        except ValueError as error:
            raise OrbicyteError(f"{path} is damaged ({error}): {about.advice}") from error

    @classmethod
    def _of(cls, path: Path, about: StoreRecord) -> "PatchStore":
        advice = about.advice
        if about.fill_rgb is None or about.fingerprint is None:
            raise ValueError(f"{STORE_FILE} has no fill_rgb or no fingerprint")
        check_digest(path / TABLE_FILE, about.digests, STORE_FILE, advice)
        cells = read_table(path / TABLE_FILE, advice, [*SCHEMA.names, "digest"])
        check_patches(cells, path / TABLE_FILE, advice)
        if not about.digests and cells["digest"].notna().all() and fingerprint_of(cells) != about.fingerprint:
            raise ValueError(f"{TABLE_FILE} does not match the fingerprint in {STORE_FILE}")
        for old, new in about.renamed:
            cells["label"] = cells["label"].replace(old, new)
        images = mapped(path / IMAGES_FILE, (len(cells), about.side_px, about.side_px, 3))
        return cls(
            path=path,
            images=CheckedImages.of(images, cells["digest"], path / IMAGES_FILE, advice),
            cells=cells[SCHEMA.names],
            side_px=about.side_px,
            view_px=about.view_px,
            mpp=about.mpp,
            fill_rgb=about.fill_rgb,
            fingerprint=about.fingerprint,
            skipped=[Skipped(item.file, item.reason) for item in about.skipped],
            duplicates=[Duplicates(item.kept, item.dropped) for item in about.duplicates],
            warnings=about.warnings,
            source=about.source,
        )

    def __len__(self) -> int:
        return len(self.cells)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process maps the same file instead of copying the pixels.
        return PatchStore.open, (self.path,)

    @cached_property
    def labelled(self) -> NDArray[np.intp]:
        """Sorted indices (n,) of the cells with a label."""
        return np.flatnonzero(self.cells["label"].notna())

    @cached_property
    def unlabelled(self) -> NDArray[np.intp]:
        """Sorted indices (n,) of the cells to train on: no label, no slide or patient in common with labelled ones."""
        return np.flatnonzero(self.cells["label"].isna() & ~self.cells["shared"])

    @cached_property
    def learned_from(self) -> str | None:
        """The fingerprint of what training depends on: as ``fingerprint``, but only whether cells have a label.

        None for a store of format 1, which has no digests.
        """
        if self.images.digests is None:
            return None
        cells = self.cells[LEARNED_FROM].assign(label=self.cells["label"].notna())
        return _fingerprint(self.images.digests.tobytes(), cells)

    @property
    def types(self) -> dict[str, int]:
        """The labels, sorted, and how many cells have each."""
        return dict(sorted(Counter(self.cells["label"].dropna()).items()))

    @property
    def has_margin(self) -> bool:
        """Whether the view can be rotated without pixels from outside the patch."""
        return self.side_px >= math.sqrt(2) * self.view_px

    @property
    def size_text(self) -> str:
        """The size of the patches, for a line."""
        seen = f", of which networks see the central {self.view_px} px" if self.view_px < self.side_px else ""
        return f"patches of {self.side_px} px{seen}"


def write_store(
    destination: Path,
    entries: Iterable[Entry | Skipped],
    *,
    side_px: int,
    view_px: int | None = None,
    mpp: float | None = None,
    on_conflict: OnConflict = "error",
    source: dict[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> PatchStore:
    """Write ``entries`` (patches of ``side_px``) to the new folder ``destination`` and open it.

    Patches are written one at a time, without duplicates (see ``unique``). Raises ``OrbicyteError`` if there are no
    patches, one patch has two labels, the disk is full or the destination exists; then nothing is written.
    """
    if destination.exists():
        raise OrbicyteError(f"{destination} exists: delete it or choose another --out")
    if side_px > LARGEST_PATCH_PX:
        raise OrbicyteError(f"patches have up to {LARGEST_PATCH_PX} px, got {side_px}: give a smaller --patch-px")
    view_px = side_px if view_px is None else view_px
    with replacing(destination) as folder:
        folder.mkdir()
        with AppendableArray(folder / IMAGES_FILE, (side_px, side_px, 3)) as images:
            rows, skipped = _append(images, entries, np.flatnonzero(ring(side_px, view_px)))
            digests, files, labels = (rows[name].to_pylist() for name in ("digest", "file", "label"))
            kept, duplicates = unique(digests, files, labels, on_conflict)
            if not kept:
                raise OrbicyteError(f"no patch is left to import: {len(skipped)} unreadable, {len(rows)} dropped")
            images.finish(kept)
        table = rows.take(kept).set_column(0, STORED.field("cell"), pa.array(np.arange(len(kept))))
        pq.write_table(table, folder / TABLE_FILE)
        about = {
            "format": FORMAT,
            "side_px": side_px,
            "view_px": view_px,
            "mpp": mpp,
            **of_pixels(table.to_pandas()),
            "digests": {TABLE_FILE: sha256_of(folder / TABLE_FILE)},
            "skipped": [asdict(item) for item in skipped],
            "duplicates": [asdict(group) for group in duplicates],
            "warnings": list(warnings),
            "source": source or {},
        }
        write_json(folder / STORE_FILE, about)
    return PatchStore.open(destination)


def is_store(path: Path) -> bool:
    """Whether there is a patch store in ``path``, complete or not."""
    return (path / STORE_FILE).exists()


def ring(side_px: int, view_px: int) -> NDArray[np.bool_]:
    """True at the inner side of the rim of the disc inscribed in the central ``view_px``: (side_px, side_px)."""
    axis = np.arange(side_px) - (side_px - 1) / 2
    radius: NDArray[np.float64] = np.hypot(axis[:, None], axis[None]) / (view_px / 2)
    is_rim: NDArray[np.bool_] = (radius >= RIM) & (radius <= 1)
    return is_rim


def _append(
    images: AppendableArray, entries: Iterable[Entry | Skipped], rim: NDArray[np.intp]
) -> tuple[pa.Table, list[Skipped]]:
    """Write the patches; return the columns ``STORED`` of their rows, without numbers, and the skipped."""
    parts, rows, skipped = [STORED.empty_table()], list[dict[str, Any]](), list[Skipped]()
    for entry in entries:
        if isinstance(entry, Skipped):
            skipped.append(entry)
            continue
        images.append(entry.image)
        row = {name: value for name, value in vars(entry).items() if name != "image"}
        row["height_px"], row["width_px"] = entry.height_px or images.shape[0], entry.width_px or images.shape[1]
        rows.append(row | pixels_of(entry.image, rim))
        if len(rows) == ROWS_AT_ONCE:
            parts.append(pa.Table.from_pylist(rows, STORED))
            rows = []
    return pa.concat_tables([*parts, pa.Table.from_pylist(rows, STORED)]), skipped


def pixels_of(image: NDArray[np.uint8], rim: NDArray[np.intp]) -> dict[str, Any]:
    """``digest`` of one patch (S, S, 3), and ``rim_rgb``: its mean colour, 0 to 1, at the flat positions ``rim``."""
    # A product of matrices is ten times faster than a mean over the longer axis, and as exact.
    total = np.ones(len(rim)) @ image.reshape(-1, 3).take(rim, axis=0).astype(np.float64)
    colour = total / len(rim) / 255
    return {"digest": hashlib.sha256(np.ascontiguousarray(image).data).digest(), "rim_rgb": colour.tolist()}


def of_pixels(cells: pd.DataFrame) -> dict[str, Any]:
    """The entries of ``store.json`` that depend on all patches: ``fill_rgb`` and ``fingerprint``; from ``STORED``."""
    return {"fill_rgb": np.mean(cells["rim_rgb"].tolist(), axis=0).tolist(), "fingerprint": fingerprint_of(cells)}


def fingerprint_of(cells: pd.DataFrame) -> str:
    """Depends on the pixels of all patches, by their digests, and on what is learned from the table."""
    return _fingerprint(b"".join(cells["digest"]), cells[LEARNED_FROM])


def _fingerprint(pixels: bytes, cells: pd.DataFrame) -> str:
    digest = hashlib.sha256(pixels)
    digest.update(cells.to_csv(index=False).encode())
    return digest.hexdigest()


def write_table(path: Path, cells: pd.DataFrame) -> None:
    """Write the columns ``STORED`` of ``cells``."""
    pq.write_table(pa.Table.from_pandas(cells[STORED.names], STORED, preserve_index=False), path)


def read_table(path: Path, advice: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The table with the columns ``STORED``, or some of them; those that the file's format did not have are missing.

    Raises ``OrbicyteError`` with ``advice`` if it is damaged.
    """
    return tables.read_table(path, STORED, advice, columns, STORED.names[SCHEMA.names.index("shared") + 1 :])
