"""Make the two small tables next to this script, only from the microscope fields of ``DATA/smear_fields/train``.

    python scripts/smear_fields_tables.py DATA

``smear_fields_mpp.csv``: µm per pixel of the fields of each size, which the data set does not contain: the median red
cell not cut by a border (geometric mean of its box's sides) is assumed to be 7.5 µm wide.
``smear_fields_tuning.txt``: a fifth of the fields of each size, sampled with seed 0, on which thresholds are chosen.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
RED_CELL = 1
RED_CELL_UM = 7.5
CUT_PX = 2.0
SEED = 0


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data / "smear_fields"
    sizes = {}
    for path in sorted((folder / "train").iterdir()):
        with Image.open(path) as image:
            sizes[path.name] = image.size
    red = defaultdict(list)
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (float(row[key]) for key in ("x_px", "y_px", "width_px", "height_px"))
            size = sizes[row["file"]]
            margin = min(x - width / 2, y - height / 2, size[0] - x - width / 2, size[1] - y - height / 2)
            if int(row["class"]) == RED_CELL and margin > CUT_PX:
                red[size].append((width * height) ** 0.5)
    rng = np.random.default_rng(SEED)
    lines, tuning = ["size,mpp,red_cells"], []
    for size in sorted(red):
        lines.append(f"{size[0]}x{size[1]},{RED_CELL_UM / float(np.median(red[size])):.4f},{len(red[size])}")
        names = sorted(name for name in sizes if sizes[name] == size)
        tuning += rng.choice(names, round(len(names) / 5), replace=False).tolist()
    (HERE / "smear_fields_mpp.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (HERE / "smear_fields_tuning.txt").write_text("\n".join(sorted(tuning)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
