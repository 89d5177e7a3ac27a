"""What a patch store says about itself, ``store.json``, and its pixels, each patch compared with its digest."""

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_format, validated, write_json
from orbicyte.study.reading import MIB
from orbicyte.study.tables import require as require_all
from orbicyte.study.values import Intensity, Mpp, PatchSide, Text

FORMAT = 3
STORE_FILE = "store.json"
STORE_BYTES = 32 * MIB
"""Largest ``store.json``: it lists the files that were left out."""


@dataclass(frozen=True)
class SkippedRecord:
    """A file that yielded no patch, and the reason."""

    file: str
    reason: str


@dataclass(frozen=True)
class DuplicatesRecord:
    """Files with the same pixels; ``kept`` is None if their labels contradict each other."""

    kept: str | None
    dropped: list[str]


@dataclass(frozen=True)
class SourceRecord:
    """Where patches are from: the options of ``cut`` and the fingerprints of the ``slides``, or ``arguments``."""

    cut: dict[str, Any] = field(default_factory=dict)
    slides: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreRecord:
    """The content of ``store.json``; see ``orbicyte.data.patches.PatchStore``.

    ``complete``: False during an update; ``fill_rgb`` and ``fingerprint``: None during the first one; ``digests``: of
    the table, by name of the file; older releases wrote none; ``renamed``: types of imported cells and their new names,
    one after the other; the table keeps the names that were imported.
    """

    side_px: PatchSide
    view_px: PatchSide
    mpp: Mpp | None
    fill_rgb: tuple[Intensity, Intensity, Intensity] | None = None
    fingerprint: Text | None = None
    skipped: list[SkippedRecord] = field(default_factory=list)
    duplicates: list[DuplicatesRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    source: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    digests: dict[str, str] = field(default_factory=dict)
    renamed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def advice(self) -> str:
        """How to make the store again."""
        return f"delete that folder and {'cut' if 'cut' in self.source else 'import'} again"

    def __post_init__(self) -> None:
        if self.view_px > self.side_px:
            raise ValueError(f"view_px is {self.view_px}, more than side_px, {self.side_px}")


_STORE, _SOURCE = TypeAdapter(StoreRecord), TypeAdapter(SourceRecord)


def read_store(path: Path) -> StoreRecord:
    """The content of ``store.json`` of the store in ``path``, with the names of this format.

    Raises ``OrbicyteError`` if it is damaged or of a newer format.
    """
    file, advice = path / STORE_FILE, f"delete {path}, and import or cut again"
    about = check_format(file, FORMAT, advice, STORE_BYTES)
    if "field_px" in about:
        about["view_px"] = about.pop("field_px")
    source = about.get("source", {})
    validated(_SOURCE, source, file, advice)
    for part, old in (("arguments", "field_px"), ("cut", "patch_px")):
        given = source.get(part, {})
        if old in given and "view_px" not in given:
            source[part] = {"view_px" if name == old else name: value for name, value in given.items()}
    return validated(_STORE, about, file, advice)


def rename_label(path: Path, old: str, new: str) -> None:
    """Call the type ``old`` of the cells in the store in ``path`` ``new`` from now on. Raises as ``check_format``."""
    content = check_format(path / STORE_FILE, FORMAT, at_most=STORE_BYTES)
    write_json(path / STORE_FILE, {**content, "renamed": [*content.get("renamed", []), [old, new]]})


def check_patches(cells: pd.DataFrame, path: Path, advice: str) -> None:
    """Raise ``OrbicyteError`` with ``advice`` for a table that no complete store has."""

    def require(holds: object, expected: str) -> None:
        require_all(holds, path, expected, advice)

    require(len(cells) > 0, "at least one cell")
    require(cells["cell"].to_numpy() == np.arange(len(cells)), "the numbers 0, 1, ... in cell")
    require(cells["file"].notna(), "a file of each cell")
    require(cells["shared"].notna(), "a value in shared")
    require(cells["mpp"].isna() | ((cells["mpp"] > 0) & (cells["mpp"] <= 1000)), "µm per pixel from 0 to 1000")
    for name in ("width_px", "height_px"):
        require(~(cells[name] <= 0), f"sizes above 0 in {name}")
    on_slides = cells["id"].notna()
    require(~cells.loc[on_slides, "id"].duplicated(), "different ids")
    for name in ("x_px", "y_px"):
        require(~on_slides | np.isfinite(cells[name].astype(float)), f"finite numbers in {name}")
    digests = cells["digest"].notna()
    require(digests == digests.any(), "a digest of each patch")


class CheckedImages(np.memmap[Any, np.dtype[np.uint8]]):
    """Stored patches (N, S, S, 3) in a memory map; each is compared with its digest when it is first read.

    Indexing gives plain arrays. Hashing takes about as long as reading from a disk, and only once for each patch and
    process, so that training reads at full speed from its second epoch.
    """

    digests: NDArray[np.uint8] | None = None
    """SHA-256 of each patch, (N, 32); None for a store of format 1."""
    _checked: NDArray[np.bool_]
    _numbers: NDArray[np.intp]
    _where: tuple[Path, str]

    @classmethod
    def of(cls, images: NDArray[np.uint8], digests: pd.Series, path: Path, advice: str) -> Self:
        """``images`` of the file ``path``; ``digests``: of each, or all missing, as in stores of format 1."""
        checked = images.view(cls)
        checked._where = path, advice
        if digests.notna().all():
            checked.digests = np.frombuffer(b"".join(digests), np.uint8).reshape(len(images), -1)
        checked._checked = np.zeros(len(images), dtype=bool)
        checked._numbers = np.arange(len(images))
        return checked

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """The patches from row ``start`` up to ``stop``, read from the file: (n, S, S, 3).

        Equal to ``[start:stop]``, but memory is freed with the array; a memory map keeps what was read.
        """
        path, one = self._where[0], math.prod(self.shape[1:])
        count = max(0, min(stop, len(self)) - start)
        found = np.fromfile(path, np.uint8, one * count, offset=self.offset + one * start)
        patches = found.reshape(count, *self.shape[1:])
        self._check(np.arange(start, start + count), patches, start)
        return patches

    def __getitem__(self, key: Any) -> Any:
        """Some of the patches. Raises ``OrbicyteError`` if one of them is not the one that was written."""
        found = np.asarray(super().__getitem__(key))
        self._check(np.unique(self._rows(key)), self.view(np.ndarray))
        return found

    def _rows(self, key: Any) -> NDArray[np.intp]:
        """The patches that ``key`` selects; all for a key that selects single pixels."""
        try:
            return np.ravel(self._numbers[key[:1] if isinstance(key, tuple) else key])
        except IndexError:
            return self._numbers

    def _check(self, rows: NDArray[np.intp], patches: NDArray[np.uint8], first: int = 0) -> None:
        """Compare the ``rows`` that were not compared yet; ``patches``: those from row ``first`` on."""
        if self.digests is None:
            return
        for row in rows[~self._checked[rows]].tolist():
            if hashlib.sha256(patches[row - first].data).digest() != self.digests[row].tobytes():
                path, advice = self._where
                raise OrbicyteError(f"{path} is damaged: patch {row} does not match its digest in the table; {advice}")
            self._checked[row] = True
