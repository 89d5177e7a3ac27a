"""Reading many image files in parallel, in order; an error if too many cannot be read."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from orbicyte.data.images import UnreadableImage, image_size, read_patch
from orbicyte.data.patches import Entry, Skipped
from orbicyte.data.resizing import ResizePlan
from orbicyte.errors import OrbicyteError
from orbicyte.prefetch import in_threads

UNREADABLE_SHARE = 0.05
"""Share of unreadable files above which an import stops."""

Size = tuple[int, int]
R = TypeVar("R")


def read_sizes(listing: pd.DataFrame) -> list[Size | Skipped]:
    """Width and height in pixels of each file of a listing, from the headers; ``Skipped`` for an unreadable file.

    Raises ``OrbicyteError`` if more than 5 % cannot be read.
    """

    def read(row: tuple[str, str]) -> Size | Skipped:
        try:
            return image_size(Path(*row))
        except UnreadableImage as reason:
            return Skipped(row[1], str(reason))

    rows = list(zip(listing["root"], listing["file"], strict=True))
    return list(_readable(in_threads(read, rows), len(rows)))


def read_entries(listing: pd.DataFrame, sizes: Sequence[Size | Skipped], plan: ResizePlan) -> Iterator[Entry | Skipped]:
    """The patches of a listing in its order, resized by ``plan``; ``sizes`` from ``read_sizes``.

    Raises ``OrbicyteError`` if more than 5 % cannot be read.
    """

    def read(row: tuple[Any, Size | Skipped]) -> Entry | Skipped:
        about, size = row
        if isinstance(size, Skipped):
            return size
        try:
            return _entry(about, size, plan)
        except UnreadableImage as reason:
            return Skipped(about.file, str(reason))

    rows = zip(listing.itertuples(index=False), sizes, strict=True)
    return _readable(in_threads(read, rows), len(listing))


def _entry(about: Any, size: Size, plan: ResizePlan) -> Entry:
    """``about``: a row of the listing."""
    return Entry(
        plan.apply(read_patch(Path(about.root, about.file)), about.mpp),
        file=about.file,
        label=about.label,
        slide=about.slide,
        patient=about.patient,
        mpp=plan.stored_mpp(min(size), about.mpp),
        width_px=size[0],
        height_px=size[1],
        shared=about.shared,
    )


def _readable(results: Iterable[R | Skipped], total: int) -> Iterator[R | Skipped]:
    skipped: list[Skipped] = []
    for result in results:
        if isinstance(result, Skipped):
            skipped.append(result)
        if len(skipped) > UNREADABLE_SHARE * total:
            some = "; ".join(f"{item.file}: {item.reason}" for item in skipped[:3])
            raise OrbicyteError(
                f"more than {UNREADABLE_SHARE:.0%} of {total} files cannot be read ({some}): fix or remove them"
            )
        yield result
