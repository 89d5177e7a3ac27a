"""Resizing of patches of different sizes to one side.

A patch that is not square is cropped to its central square. If µm per pixel are known for every patch, each is cropped
to the same side in µm, then scaled; a smaller one is scaled by its size instead, because padding would invent pixels,
and keeps its own µm per pixel in the table. If they are not known for every patch, all are scaled by size.
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

    ``view_px``: side of the central square that networks see; ``share`` of a square's side that is kept (less than 1
    only if a row is cropped to keep the view central); ``reference_um``: the side in µm that all show, None if patches
    are scaled by size.
    """

    side_px: int
    view_px: int
    share: float = 1.0
    reference_um: float | None = None

    @property
    def mpp(self) -> float | None:
        """µm per pixel of the stored patches, None if patches are scaled by size."""
        return None if self.reference_um is None else self.reference_um / self.side_px

    def cut_px(self, square_px: int, mpp: float) -> float:
        """Side of the central part that is kept of a patch whose shorter side is ``square_px``."""
        if self.reference_um is not None and self.reference_um / mpp <= square_px + 0.5:
            return self.reference_um / mpp
        return square_px * self.share

    def stored_mpp(self, square_px: int, mpp: float) -> float:
        """µm per pixel of the stored patch; NaN if that of the original is."""
        return mpp * self.cut_px(square_px, mpp) / self.side_px

    def apply(self, image: NDArray[np.uint8], mpp: float) -> NDArray[np.uint8]:
        """Resize (H, W, 3), 0 to 255, to (side_px, side_px, 3); pixels are copied if no scaling is needed."""
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
    """The plan to resize to the most common size; ``sizes`` are widths and heights in pixels, ``mpp`` may be NaN.

    ``patch_px``: the stored side, if not the most common; a row is cropped if ``view_px`` could not be central.
    Raises ``OrbicyteError`` for a view larger than the patch and sides below 16 px.
    """
    squares = [min(size) for size in sizes]
    is_known = bool(np.isfinite(mpp).all())
    kinds = Counter(zip(squares, mpp if is_known else [0.0] * len(squares), strict=True))
    square, scale = max(kinds, key=lambda kind: (kinds[kind], kind))
    side = square if patch_px is None else patch_px
    view = side if view_px is None else view_px
    if not MIN_SIDE_PX <= view <= side:
        raise OrbicyteError(f"patches of {side} px cannot have a view of {view} px: expected {MIN_SIDE_PX} to {side}")
    central = side - (side - view) % 2
    share = central / side
    return ResizePlan(central, view, share, square * scale * share if is_known else None)


def describe(plan: ResizePlan, sizes: Sequence[tuple[int, int]], mpp: Sequence[float]) -> list[str]:
    """One line for each change that ``plan`` makes to some of the patches, with their number."""
    squares = [min(size) for size in sizes]
    cuts = [plan.cut_px(square, scale) for square, scale in zip(squares, mpp, strict=True)]
    small = 0
    if plan.reference_um is not None:
        small = sum(plan.reference_um / scale > square + 0.5 for square, scale in zip(squares, mpp, strict=True))
    counts = {
        "are not square: cropped to their central square": sum(width != height for width, height in sizes),
        f"scaled to {plan.side_px} px": sum(not plan.is_copied(cut) for cut in cuts),
        "show less than the common side in µm: scaled by size, with their own µm per pixel": small,
    }
    lines = [f"{count} of {len(sizes)} patches {what}" for what, count in counts.items() if count]
    known = int(np.isfinite(mpp).sum())
    if 0 < known < len(sizes):
        lines.append(f"µm per pixel are known for only {known} of {len(sizes)} patches: all patches are scaled by size")
    return lines
