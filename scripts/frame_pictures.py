"""Synthetic cells at several angles, and each rotated back by the angle that the pretrained network finds.

python scripts/frame_pictures.py --out docs/cell_frames.png
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import orbicyte
from orbicyte import geometry
from orbicyte.synthetic import draw, sample_cell, sample_slide
from orbicyte.synthetic.cells import Cell

KINDS = {
    "band granulocyte": "bent nucleus",
    "promyelocyte": "nucleus off the centre",
    "segmented granulocyte": "several lobes",
}
ROUND = {"lobes": 1, "spine_um": 0.0, "bend_rad": 0.0, "offset_um": 0.0}
BILOBED = {"lobes": 2, "spine_um": 5.0, "bend_rad": 0.0, "offset_um": 0.0}
UNCLEAR = {"round cell": ("orthochromatic erythroblast", ROUND), "two equal lobes": ("segmented granulocyte", BILOBED)}
"""Cells without a clear angle: their type, and the shape of the nucleus."""
ANGLES_DEG = (0, 50, 140, 250)
SIZE_PX = 128


def alone(cell: Cell, shape: Mapping[str, float]) -> Cell:
    """The cell with a round outline, a nucleus of this shape, and without neighbours."""
    nucleus = replace(cell.white.nucleus, **shape)  # type: ignore[arg-type]
    return replace(cell, white=replace(cell.white, nucleus=nucleus, outline=(), roughness_um=0.0), neighbours=())


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    embedder = orbicyte.load("pretrained", device="cpu")
    rng = np.random.default_rng(options.seed)
    slide = sample_slide(rng)
    columns = len(ANGLES_DEG)
    cells = {f"{kind}\n({shape})": sample_cell(kind, rng, slide) for kind, shape in KINDS.items()}
    for name, (kind, shape) in UNCLEAR.items():
        cells[name] = alone(sample_cell(kind, rng, slide), shape)
    figure, axes = plt.subplots(len(cells), 2 * columns, figsize=(11, 8.2), layout="constrained")
    for row, (name, cell) in enumerate(cells.items()):
        drawn = [draw(cell, SIZE_PX, rotation_rad=float(np.radians(angle)), noise=False).image for angle in ANGLES_DEG]
        images = np.stack(drawn)
        found = embedder.embed_stored((images * 255).round().astype(np.uint8))
        assert found.angle_rad is not None
        assert found.confidence is not None
        patches = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        fill = torch.tensor(embedder.view.fill_rgb)
        discs = geometry.keep_disc(patches, fill, inset_px=1)
        framed = geometry.rotate(discs, torch.from_numpy(-found.angle_rad), fill)
        for column, pictures in enumerate((discs, framed)):
            for i, picture in enumerate(pictures.permute(0, 2, 3, 1).clamp(0, 1).numpy()):
                axis = axes[row, column * columns + i]
                axis.imshow(picture)
                axis.axis("off")
                given = f"{ANGLES_DEG[i]}°"
                text = f"rotated by {given}" if column == 0 else f"confidence {found.confidence[i]:.2f}"
                axis.set_title(text, fontsize=9)
        axes[row, 0].text(-0.08, 0.5, name, transform=axes[row, 0].transAxes, rotation=90, fontsize=9,
                          ha="right", va="center")  # fmt: skip
    figure.savefig(options.out, dpi=80)


if __name__ == "__main__":
    main()
