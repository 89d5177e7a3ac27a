"""Reading many image files in parallel, in order: contents, ranges of values, sizes and patches."""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from orbicyte.data.conversion import UnreadableImage
from orbicyte.data.images import image_size, read_patch, value_extent
from orbicyte.data.patches import Entry, Skipped
from orbicyte.data.resizing import ResizePlan
from orbicyte.data.values import Extent, Ranges, decide, describe, stated_ranges
from orbicyte.errors import OrbicyteError
from orbicyte.prefetch import in_threads
from orbicyte.progress import print_line
from orbicyte.study.reading import ANY_SIZE, opened
from orbicyte.text import examples_of

UNREADABLE_SHARE = 0.05
"""Share of unreadable files, if they are several, above which an import stops."""

Size = tuple[int, int]
R = TypeVar("R")


def value_ranges(files: Sequence[Path], value_range: tuple[float, float] | None = None) -> Ranges:
    """What black and white are in ``files``, decided once for all of them and printed; ``value_range``: as stated.

    Only files of more than 8 bits are read. Raises ``OrbicyteError`` if no range is plausible for all of them, unless
    it is stated.
    """

    def read(file: Path) -> Extent | None:
        try:
            return value_extent(file)
        except UnreadableImage:
            return None

    extents = [extent for extent in in_threads(read, files) if extent is not None]
    ranges = decide(extents) if value_range is None else stated_ranges(value_range)
    for line in describe(ranges, extents):
        print_line(line)
    return ranges


def content_digest(listing: pd.DataFrame) -> str:
    """Depends on the names and contents of the files of a listing and on its table, not on where and when."""

    def read(row: tuple[str, str]) -> bytes:
        try:
            with opened(Path(*row), ANY_SIZE) as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (OSError, OrbicyteError):
            return b"unreadable"

    digest = hashlib.sha256()
    files = in_threads(read, list(zip(listing["root"], listing["file"], strict=True)))
    for row, content in zip(listing.itertuples(), files, strict=True):
        digest.update(repr((row.file, row.label, row.slide, row.patient, row.mpp)).encode("utf-8", "surrogatepass"))
        digest.update(content)
    return digest.hexdigest()


def read_sizes(listing: pd.DataFrame) -> list[Size | Skipped]:
    """Width and height in pixels of each file of a listing, from the headers; ``Skipped`` for an unreadable file.

    Raises ``OrbicyteError`` if more than one file and more than 5 % cannot be read.
    """

    def read(row: tuple[str, str]) -> Size | Skipped:
        try:
            return image_size(Path(*row))
        except UnreadableImage as reason:
            return Skipped(row[1], str(reason))

    rows = list(zip(listing["root"], listing["file"], strict=True))
    return list(_readable(in_threads(read, rows), len(rows)))


def read_entries(
    listing: pd.DataFrame, sizes: Sequence[Size | Skipped], plan: ResizePlan, ranges: Ranges | None = None
) -> Iterator[Entry | Skipped]:
    """The patches of a listing in its order, resized by ``plan``; from ``read_sizes`` and ``value_ranges``.

    Raises ``OrbicyteError`` if more than one file and more than 5 % cannot be read.
    """

    def read(row: tuple[Any, Size | Skipped]) -> Entry | Skipped:
        about, size = row
        if isinstance(size, Skipped):
            return size
        try:
            return _entry(about, size, plan, ranges)
        except UnreadableImage as reason:
            return Skipped(about.file, str(reason))

    rows = zip(listing.itertuples(index=False), sizes, strict=True)
    return _readable(in_threads(read, rows), len(listing))


def _entry(about: Any, size: Size, plan: ResizePlan, ranges: Ranges | None) -> Entry:
    """``about``: a row of the listing."""
    return Entry(
        plan.apply(read_patch(Path(about.root, about.file), ranges), about.mpp),
        file=about.file,
        label=about.label,
        slide=about.slide,
        patient=about.patient,
        mpp=plan.stored_mpp(min(size), about.mpp),
        width_px=size[0],
        height_px=size[1],
        shared=about.shared,
    )


def _readable(results: Generator[R | Skipped], total: int) -> Iterator[R | Skipped]:
    skipped: list[Skipped] = []
    most = max(UNREADABLE_SHARE * total, min(1, total - 1))
    with closing(results):
        for result in results:
            if isinstance(result, Skipped):
                skipped.append(result)
            if len(skipped) > most:
                some = examples_of([f"{item.file}: {item.reason}" for item in skipped], "; ")
                raise OrbicyteError(
                    f"more than {UNREADABLE_SHARE:.0%} of {total} files cannot be read ({some}): fix or remove them"
                )
            yield result
