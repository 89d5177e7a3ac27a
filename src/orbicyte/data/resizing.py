"""Bringing patches of different sizes to one side.

What is not square loses the ends of its longer side. Where µm per pixel is known for every patch, each is cut so
that all show the same field in µm, then scaled; one that shows less than that is scaled by its size instead, for
padding would invent pixels, and keeps its own µm per pixel in the table. Where it is not known for every patch, all
are scaled by size.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orbicyte.data.images import MIN_SIDE_PX
from orbicyte.errors import OrbicyteError


@dataclass(frozen=True)
class ResizePlan:
    """How patches become ``side_px`` square.

    ``share`` of a square's side is kept (less than 1 only where a row is cut to keep the field central);
    ``reference_um`` is the side in µm that all show, None where patches are scaled by size.
    """

    side_px: int
    view_px: int
    share: float = 1.0
    reference_um: float | None = None

    @property
    def mpp(self) -> float | None:
        """µm per pixel of the stored patches, where all show the same field."""
        return None if self.reference_um is None else self.reference_um / self.side_px

    def cut_px(self, square_px: int, mpp: float) -> float:
        """Side of the central part that is kept of a patch whose shorter side is ``square_px``."""
        if self.reference_um is not None and self.reference_um / mpp <= square_px + 0.5:
            return self.reference_um / mpp
        return square_px * self.share

    def stored_mpp(self, square_px: int, mpp: float) -> float:
        """µm per pixel of the stored patch; NaN where that of the original is."""
        return mpp * self.cut_px(square_px, mpp) / self.side_px

    def apply(self, image: NDArray[np.uint8], mpp: float) -> NDArray[np.uint8]:
        """(H, W, 3) to (side_px, side_px, 3); pixels are copied where no scaling is needed."""
        height, width = image.shape[:2]
        cut = min(self.cut_px(min(height, width), mpp), min(height, width))
        if self.is_copied(cut):
            top, left = (height - self.side_px) // 2, (width - self.side_px) // 2
            return image[top : top + self.side_px, left : left + self.side_px]
        box = ((width - cut) / 2, (height - cut) / 2, (width + cut) / 2, (height + cut) / 2)
        scaled = Image.fromarray(image).resize((self.side_px, self.side_px), Image.Resampling.LANCZOS, box=box)
        return np.asarray(scaled)

    def is_copied(self, cut_px: float) -> bool:
        """Whether a patch of which ``cut_px`` are kept needs no scaling."""
        return abs(cut_px - self.side_px) < 0.5


def choose_plan(
    sizes: Sequence[tuple[int, int]], mpp: Sequence[float], patch_px: int | None, view_px: int | None
) -> ResizePlan:
    """The fit to the commonest size; ``sizes`` are widths and heights in pixels, ``mpp`` may be NaN.

    ``patch_px`` is the stored side if not the commonest; a row is cut where ``view_px`` could not be central.
    Raises ``OrbicyteError`` for a field larger than the patch and sides below 16 px.
    """
    squares = [min(size) for size in sizes]
    is_known = bool(np.isfinite(mpp).all())
    kinds = Counter(zip(squares, mpp if is_known else [0.0] * len(squares), strict=True))
    square, scale = max(kinds, key=lambda kind: (kinds[kind], kind))
    side = square if patch_px is None else patch_px
    field = side if view_px is None else view_px
    if not MIN_SIDE_PX <= field <= side:
        raise OrbicyteError(f"patches of {side} px cannot have a field of {field} px: from {MIN_SIDE_PX} to {side}")
    central = side - (side - field) % 2
    share = central / side
    return ResizePlan(central, field, share, square * scale * share if is_known else None)


def describe(fit: ResizePlan, sizes: Sequence[tuple[int, int]], mpp: Sequence[float]) -> list[str]:
    """One line for each thing that was done to some of the patches, with their number."""
    squares = [min(size) for size in sizes]
    cuts = [fit.cut_px(square, scale) for square, scale in zip(squares, mpp, strict=True)]
    small = 0
    if fit.reference_um is not None:
        small = sum(fit.reference_um / scale > square + 0.5 for square, scale in zip(squares, mpp, strict=True))
    counts = {
        "are not square: cut to their central square": sum(width != height for width, height in sizes),
        f"scaled to {fit.side_px} px": sum(not fit.is_copied(cut) for cut in cuts),
        "show less than the common field in µm: scaled by size, with their own µm per pixel": small,
    }
    lines = [f"{count} of {len(sizes)} patches {what}" for what, count in counts.items() if count]
    known = int(np.isfinite(mpp).sum())
    if 0 < known < len(sizes):
        lines.append(f"µm per pixel is known for {known} of {len(sizes)} patches only: patches are compared by size")
    return lines
