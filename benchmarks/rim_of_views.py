"""Whether the pretrained network uses the rim that the contrastive views made smaller show, to know their scale.

Training makes patches without a margin smaller as discs (setting augmentation.scale), with a constant around them:
the rim shows the scale. Synthetic cells are made smaller with real surroundings instead, with such a rim, and the rim
is cut alone at the original scale. A network that uses the rim moves less with it than without.

python benchmarks/rim_of_views.py | python scripts/put_in_page.py docs/invariance.md rim
"""

import math

import numpy as np
import torch

import orbicyte
from orbicyte.arrays import Floats, Pixels
from orbicyte.synthetic import FIELD_UM, Cell, draw, sample_cells

CELLS = 60
SIZE_PX = 128
SCALES = (0.9, math.exp(-0.2), 0.75)
"""The second is the smallest in training."""


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    embedder = orbicyte.load("pretrained", device="cpu")
    size = embedder.record.settings.network.invariant_size

    def invariant(images: Pixels) -> Floats:
        return embedder.embed_stored(images).mean[:, :size]

    cells = list(sample_cells(CELLS, seed=3))
    whole = drawn(cells, 1.0)
    at_first = invariant(whole)
    spread = np.linalg.norm(at_first - at_first.mean(0), axis=1)
    print("| scale | movement, real surroundings | movement, rim | movement, rim only |\n|---|---|---|---|")
    for scale in SCALES:
        smaller = drawn(cells, scale)
        views = (
            smaller,
            with_rim(smaller, scale, embedder.view.fill_rgb),
            with_rim(whole, scale, embedder.view.fill_rgb),
        )
        moved = [np.linalg.norm(invariant(images) - at_first, axis=1) for images in views]
        print(f"| {scale:.2f} | " + " | ".join(f"{rms(values) / rms(spread):.3f}" for values in moved) + " |")


def drawn(cells: list[Cell], scale: float) -> Pixels:
    """``cells`` with their surroundings, ``scale`` times as large: (N, S, S, 3)."""
    mpp = FIELD_UM / SIZE_PX / scale
    return np.stack([(draw(cell, SIZE_PX, mpp, noise=False).image * 255).round().astype(np.uint8) for cell in cells])


def with_rim(images: Pixels, scale: float, fill_rgb: tuple[float, ...]) -> Pixels:
    """``images`` (N, S, S, 3) with the colour ``fill_rgb`` outside a disc ``scale`` times as large as the inscribed."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5 - SIZE_PX / 2
    inside = np.hypot(x, y) < SIZE_PX / 2 * scale
    return np.where(inside[..., None], images, (np.array(fill_rgb) * 255).round().astype(np.uint8))


def rms(values: Floats) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


if __name__ == "__main__":
    main()
