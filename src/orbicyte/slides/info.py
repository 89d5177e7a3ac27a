"""What is known of a slide before a pixel is read, and the one way in which a slide fails."""

from dataclasses import dataclass
from pathlib import Path

from orbicyte.errors import OrbicyteError


class UnreadableSlide(OrbicyteError):  # noqa: N818
    """A slide, or a region of it, that cannot be read. One line that names the file; travels between processes."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = " ".join(reason.split())

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class SlideInfo:
    """One slide.

    ``vendor``: as OpenSlide names it (aperio, hamamatsu, mirax, generic-tiff, ...), ``image`` for plain images;
    ``level_sizes``: width and height of each level in its own pixels, level 0 first; ``downsamples``: level-0
    pixels per pixel of each level; ``mpp``: µm per level-0 pixel, None where unknown; ``fingerprint``: of content.
    """

    path: Path
    vendor: str
    width_px: int
    height_px: int
    level_sizes: tuple[tuple[int, int], ...]
    downsamples: tuple[float, ...]
    mpp: float | None
    fingerprint: str
