"""One sheet of synthetic cells next to real ones from DATA/pbc, one row per type (see its licence before publishing).

python scripts/compare_synthetic_cells.py DATA --out sheet.png
python scripts/compare_synthetic_cells.py --synthetic-only --out docs/synthetic_cells.png
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import draw, sample_cell, sample_slide, to_image

REAL_LABELS = {  # the real set does not subdivide erythroblasts, and uses other names for granulocytes
    "band granulocyte": "band neutrophil",
    "segmented granulocyte": "segmented neutrophil",
    "eosinophilic granulocyte": "eosinophil",
    "basophilic erythroblast": "erythroblast",
    "polychromatic erythroblast": "erythroblast",
    "orthochromatic erythroblast": "erythroblast",
}
SIZE_PX, GAP_PX = 128, 4


def synthetic_rows(columns: int, seed: int, noise: bool = True) -> list[list[Image.Image]]:
    """One row per type, one column per slide; without the sensor's noise the file is half as large."""
    rng = np.random.default_rng(seed)
    slides = [sample_slide(rng) for _ in range(columns)]
    return [[to_image(draw(sample_cell(kind, rng, slide), SIZE_PX, noise=noise)) for slide in slides] for kind in TYPES]


def real_rows(data: Path, columns: int, seed: int) -> list[list[Image.Image]]:
    """One row per type, sampled at random."""
    table = pd.read_csv(data / "pbc" / "labelled.csv")
    rows = []
    for i, kind in enumerate(TYPES):
        chosen = table[table["label"] == REAL_LABELS.get(kind, kind)].sample(columns, random_state=seed + i)
        rows.append([Image.open(data / "pbc" / "labelled" / name).convert("RGB") for name in chosen["file"]])
    return rows


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Arrange rows of images of one size on white."""
    pitch = SIZE_PX + GAP_PX
    canvas = Image.new("RGB", (len(rows[0]) * pitch - GAP_PX, len(rows) * pitch - GAP_PX), "white")
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            canvas.paste(image, (j * pitch, i * pitch))
    return canvas


def main() -> None:
    """Make the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder that holds pbc/")
    parser.add_argument("--synthetic-only", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=6, help="cells of each type")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.data is None and not options.synthetic_only:
        parser.error("give the folder of real cells, or --synthetic-only")
    rows = synthetic_rows(options.columns, options.seed, noise=not options.synthetic_only)
    if options.synthetic_only:
        # 256 colours keep the picture small enough for a repository.
        sheet(rows).quantize(256, kmeans=3, dither=Image.Dither.NONE).save(options.out, optimize=True)
        return
    real = real_rows(options.data, options.columns, options.seed)
    sheet([left + right for left, right in zip(rows, real, strict=True)]).save(options.out)


if __name__ == "__main__":
    main()
