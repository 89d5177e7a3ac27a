"""The metadata of a slide, known before any pixel is read, and the error for a slide that cannot be read."""

from dataclasses import dataclass
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.study.slides import SlideRecord


class UnreadableSlide(OrbicyteError):  # noqa: N818
    """A slide, or a region of it, that cannot be read. One line with the file's path; can be pickled."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = " ".join(reason.split())

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class SlideInfo:
    """The metadata of one slide file.

    ``vendor``: OpenSlide's name for the format (aperio, hamamatsu, mirax, generic-tiff, ...), ``image`` for plain
    images; ``level_sizes``: width and height of each level in its own pixels, level 0 first; ``downsamples``: level-0
    pixels per pixel of each level; ``mpp``: µm per level-0 pixel, None if unknown; ``fingerprint``: of the content;
    ``bounds_px``: x, y, width and height of the scanned area in level-0 pixels, if the slide states one, else of the
    whole slide; ``why_no_mpp``: what the file states instead of µm per pixel that can be used, None if nothing;
    ``value_range``: the numbers that are black and white, None for 8 bits.
    """

    path: Path
    vendor: str
    width_px: int
    height_px: int
    level_sizes: tuple[tuple[int, int], ...]
    downsamples: tuple[float, ...]
    mpp: float | None
    fingerprint: str
    bounds_px: tuple[int, int, int, int]
    why_no_mpp: str | None = None
    value_range: tuple[float, float] | None = None


def record_of(name: str, info: SlideInfo, mpp: float) -> SlideRecord:
    """The record of the slide ``info`` in a study, with the name ``name`` and with ``mpp`` µm per level-0 pixel."""
    size_px = info.width_px, info.height_px
    return SlideRecord(
        name, str(info.path), info.vendor, *size_px, mpp, info.fingerprint, info.value_range, info.bounds_px
    )
