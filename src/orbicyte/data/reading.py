"""Reading many image files at once, in order, and giving up where too many cannot be read."""

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from orbicyte.data.images import UnreadableImage, image_size, read_patch
from orbicyte.data.patches import Entry, Skipped
from orbicyte.data.resizing import ResizePlan
from orbicyte.errors import OrbicyteError

UNREADABLE_SHARE = 0.05
"""Share of the files above which an import stops."""
BATCH = 64

Size = tuple[int, int]
T = TypeVar("T")
R = TypeVar("R")


def read_sizes(listing: pd.DataFrame) -> list[Size | Skipped]:
    """Width and height in pixels of each file of a listing, from the headers.

    Raises ``OrbicyteError`` if more than 5 % cannot be read.
    """

    def read(row: tuple[str, str]) -> Size | Skipped:
        try:
            return image_size(Path(*row))
        except UnreadableImage as reason:
            return Skipped(row[1], str(reason))

    rows = list(zip(listing["root"], listing["file"], strict=True))
    return list(_readable(_in_threads(read, rows), len(rows)))


def read_entries(listing: pd.DataFrame, sizes: Sequence[Size | Skipped], fit: ResizePlan) -> Iterator[Entry | Skipped]:
    """The patches of a listing in its order, fitted; ``sizes`` as ``read_sizes`` gave them.

    Raises ``OrbicyteError`` if more than 5 % cannot be read.
    """

    def read(row: tuple[dict[Hashable, Any], Size | Skipped]) -> Entry | Skipped:
        about, size = row
        if isinstance(size, Skipped):
            return size
        try:
            return _entry(about, size, fit)
        except UnreadableImage as reason:
            return Skipped(about["file"], str(reason))

    rows = list(zip(listing.to_dict("records"), sizes, strict=True))
    return _readable(_in_threads(read, rows), len(rows))


def _entry(about: dict[Hashable, Any], size: Size, fit: ResizePlan) -> Entry:
    mpp = about["mpp"]
    return Entry(
        fit.apply(read_patch(Path(about["root"], about["file"])), mpp),
        file=about["file"],
        label=about["label"],
        slide=about["slide"],
        patient=about["patient"],
        mpp=fit.stored_mpp(min(size), mpp),
        width_px=size[0],
        height_px=size[1],
        shared=about["shared"],
    )


def _in_threads(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Results in the order of ``items``, a batch at a time so that few wait in memory (decoding leaves the GIL)."""
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    try:
        for start in range(0, len(items), BATCH):
            yield from pool.map(function, items[start : start + BATCH])
    finally:
        pool.shutdown(cancel_futures=True)


def _readable(results: Iterable[R | Skipped], total: int) -> Iterator[R | Skipped]:
    skipped: list[Skipped] = []
    for result in results:
        if isinstance(result, Skipped):
            skipped.append(result)
        if len(skipped) > UNREADABLE_SHARE * total:
            some = "; ".join(f"{item.file}: {item.reason}" for item in skipped[:3])
            raise OrbicyteError(
                f"more than {UNREADABLE_SHARE:.0%} of {total} files cannot be read ({some}): mend or remove them"
            )
        yield result
