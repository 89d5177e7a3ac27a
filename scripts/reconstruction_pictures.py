"""Synthetic cells at two angles, and their reconstructions by the paper's networks and by framed_hnet.

python scripts/reconstruction_pictures.py FOLDER --out docs/reconstructions.png

FOLDER gets the synthetic cells for training and a study with the networks; what is in it already is not made again.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import orbicyte
from orbicyte.arrays import Floats
from orbicyte.presets import PAPER_NETWORKS, quick
from orbicyte.study.files import replacing
from orbicyte.synthetic import Cell, draw, draw_study, sample_cell, sample_slide

NETWORKS = (*PAPER_NETWORKS, "framed_hnet")
ROTATION_WEIGHT = 0.5
TRAINING = ("training.schedule=cosine", "training.learning_rate=0.002", "network.harmonic_widths=8,16,32,64")
ANGLES_DEG = (0, 110)
SIZE_PX = 128


def main() -> None:
    """Train what is missing and make the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=1500, help="number of cells, of which two thirds are trained on")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cells = shown_cells(options.seed)
    drawn = [draw(cell, SIZE_PX, None, np.radians(angle)).image for cell in cells.values() for angle in ANGLES_DEG]
    images = (np.stack(drawn) * 255).round().astype(np.uint8)
    rows: dict[str, Floats] = {}
    for run in trained(options.folder, options.cells, options.epochs, options.seed):
        embedder = orbicyte.load(run, device="cpu")
        rows["cell, as seen"], rows[embedder.record.network] = embedder.reconstruct(images)
    save(options.out, rows, list(cells))


def shown_cells(seed: int) -> dict[str, Cell]:
    """One cell of each shape, without neighbours, from which a network could find the angle of a round cell."""
    rng = np.random.default_rng([seed, 3])
    slide = sample_slide(rng)
    kinds = {"round": "lymphocyte", "oval": "lymphocyte", "bilobed": "eosinophilic granulocyte",
             "segmented": "segmented granulocyte"}  # fmt: skip
    found = {shape: sample_cell(kind, rng, slide) for shape, kind in kinds.items()}
    white = {shape: cell.white for shape, cell in found.items()}
    across = white["oval"].diameter_um
    nuclei = {
        "round": replace(white["round"].nucleus, offset_um=0.0, spine_um=0.1),
        "oval": replace(
            white["oval"].nucleus, offset_um=0.0, bend_rad=0.0, diameter_um=0.5 * across, spine_um=0.35 * across
        ),
        "bilobed": replace(white["bilobed"].nucleus, lobes=2, waist=0.3),
        "segmented": replace(white["segmented"].nucleus, lobes=4),
    }
    white["round"] = replace(white["round"], outline=(0j,))
    return {
        shape: replace(cell, white=replace(white[shape], nucleus=nuclei[shape]), neighbours=(), angle_rad=0.0)
        for shape, cell in found.items()
    }


def trained(folder: Path, cells: int, epochs: int, seed: int) -> list[Path]:
    """The run folders of the networks, trained on synthetic cells for ``epochs``."""
    drawn, study = folder / "cells", folder / "study"
    if not drawn.exists():
        with replacing(drawn) as temporary:
            draw_study(temporary, labelled=0, unlabelled=cells, seed=seed, size_px=SIZE_PX)
            (temporary / "labels.csv").unlink()
    orbicyte.import_(drawn, study)
    budget = (f"seed={seed}", f"training.max_epochs={epochs}", f"training.patience={epochs}")
    settings = quick().changed([*budget, *TRAINING])
    return [orbicyte.train(study, network, rotation_weight=ROTATION_WEIGHT, settings=settings) for network in NETWORKS]


def save(path: Path, rows: dict[str, Floats], shapes: list[str]) -> None:
    """Draw ``rows``, each (shapes x angles, S, S, 3), with their names, and the shapes and angles above."""
    titles = [f"{shape}\n{angle}°" for shape in shapes for angle in ANGLES_DEG]
    figure, axes = plt.subplots(len(rows), len(titles), figsize=(9.6, len(rows) + 0.4), layout="constrained")
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=10, rotation=0, ha="right", va="center")
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture)
            axis.set(xticks=[], yticks=[], frame_on=False)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    figure.savefig(path, dpi=80, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main()
