"""A store of synthetic cells with planted copies, as ``import`` writes it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted_copies import changed

from orbicyte.arrays import Pixels
from orbicyte.data.patches import Entry, PatchStore, write_store
from orbicyte.synthetic import draw, sample_cells, to_image

MakeStore = Callable[..., PatchStore]
SIDE_PX = 64


@pytest.fixture(scope="session")
def cells() -> Pixels:
    """48 synthetic cells (48, 64, 64, 3)."""
    return np.stack([np.asarray(to_image(draw(cell, SIDE_PX))) for cell in sample_cells(48, seed=7)])


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """``make_store(images, labels, slides)``: a store in the test's folder, one file per image."""

    def make(images: Pixels, labels: Sequence[str | None], slides: Sequence[str | None] | None = None) -> PatchStore:
        slides = slides or [None] * len(images)
        entries = [
            Entry(image, f"cell{i:02d}.png", label, slide)
            for i, (image, label, slide) in enumerate(zip(images, labels, slides, strict=True))
        ]
        return write_store(tmp_path / "study" / "patches", entries, side_px=images.shape[1])

    return make


def with_copies(cells: Pixels, originals: Sequence[int]) -> Pixels:
    """The cells, then a rotated and mirrored copy of each of the ``originals``."""
    random = np.random.default_rng(0)
    copies = [changed(cells[row], row, ("mirrored", "rotated"), random).image for row in originals]
    return np.concatenate([cells, np.stack(copies)])
