"""Evaluate a detector of white cells: on real smear fields with boxes, by family, and on synthetic smears with masks.

    python scripts/score_detector.py DATA --part tuning      # while choosing settings
    python scripts/score_detector.py DATA --part val         # once, at the end
    python scripts/score_detector.py DATA --detector A --detector B   # two, on all microscope fields together

Matches are one to one, the best score first; cells cut by a border of the field count like all others. Prints a table
in Markdown with F1 (precision, recall) at a box IoU of at least 0.5, and with the centre inside the true box.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from skimage.measure import regionprops

from orbicyte.arrays import Pixels
from orbicyte.detection.detector import Detector
from orbicyte.detection.matching import Boxes, Tally, centred, iou, match, outline_boxes
from orbicyte.detection.real_fields import Boxed, read_boxed, read_scales
from orbicyte.detection.targets import Box
from orbicyte.synthetic import microscope_field, sample_smear

HERE = Path(__file__).parent
SEED = 90_000
SMEARS = 24
SMEAR_UM, SMEAR_MPP = 400.0, 0.25
CROWDED = 900
"""White cells per mm² on the synthetic smears: many of them touch."""
Scored = tuple[str, Pixels, float, Boxes]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--part", choices=["tuning", "val", "train"], default="tuning")
    parser.add_argument("--families", nargs="*", help="Sizes of smear fields; all by default.")
    parser.add_argument("--detector", type=Path, action="append", help="Folder; default: the shipped detector.")
    parser.add_argument("--synthetic", type=int, default=SMEARS, help="Number of synthetic smears.")
    options = parser.parse_args()
    folders: list[Path | None] = options.detector or [None]
    several = len(folders) > 1
    first = "| detector " if several else ""
    rule = "|---" if several else ""
    print(f"{first}| fields | number | white cells | F1 at IoU 0.5 | F1 by centre |\n{rule}|---|---|---|---|---|")
    for folder in folders:
        detector = Detector.load(folder, device="cpu")
        name = f"| {folder} " if several and folder is not None else ""
        if options.data:
            fields = real(Path(options.data) / "smear_fields", options.part, options.families)
            report(detector, fields, "all real fields", name)
        report(detector, synthetic(options.synthetic), "synthetic smears", name)


def report(detector: Detector, fields: Iterable[Scored], total: str, before: str) -> None:
    """Print a row for each family of fields and one for all; if there is a text ``before``, only the row for all."""
    overlaps: defaultdict[str, Tally] = defaultdict(Tally)
    centres: defaultdict[str, Tally] = defaultdict(Tally)
    numbers: defaultdict[str, int] = defaultdict(int)
    for family, image, mpp, truth in fields:
        cells = detector.detect_image(image, mpp)
        for name in {total} if before else {family, total}:
            overlaps[name] += match(outline_boxes(cells["outline_px"]), truth, cells["score"].to_numpy(), iou)
            centres[name] += match(centre_boxes(cells), truth, cells["score"].to_numpy(), centred, 0.0)
            numbers[name] += 1
    for name in sorted(numbers, key=lambda name: (name == total, name)):
        shown = [
            f"{tally.f1:.3f} ({tally.precision:.3f}, {tally.recall:.3f})" for tally in (overlaps[name], centres[name])
        ]
        print(f"{before}| {name} | {numbers[name]} | {overlaps[name].truth} | {' | '.join(shown)} |", flush=True)


def centre_boxes(cells: pd.DataFrame) -> Boxes:
    """Boxes (N, 4) of size zero at the cells' centres."""
    return np.tile(cells[["x_px", "y_px"]].to_numpy(np.float64), 2)


def real(folder: Path, part: str, families: list[str] | None) -> Iterator[Scored]:
    """Smear fields of a part; ``tuning`` is the fifth of ``train`` that is not used for training."""
    tuning = set((HERE / "smear_fields_tuning.txt").read_text(encoding="utf-8").split())
    for boxed in read_boxed(folder, "val" if part == "val" else "train", read_scales(HERE / "smear_fields_mpp.csv")):
        if (part != "tuning" or boxed.path.name in tuning) and (families is None or boxed.family in families):
            yield boxed.family, boxed.image(), boxed.mpp, boxes(boxed)


def boxes(boxed: Boxed) -> Boxes:
    """The true boxes as (N, 4)."""
    return np.array([corners(box) for box in boxed.white], np.float64).reshape(-1, 4)


def corners(box: Box) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    half_width, half_height = box.width_px / 2, box.height_px / 2
    return box.x_px - half_width, box.y_px - half_height, box.x_px + half_width, box.y_px + half_height


def synthetic(smears: int) -> Iterator[Scored]:
    """Synthetic smears that are not used for training, with the box of the visible part of each white cell."""
    for number in range(smears):
        cells = round(CROWDED * SMEAR_UM**2 / 1e6)
        smear = sample_smear(SEED + number, SMEAR_UM, SMEAR_UM, cells=cells)
        image, labels, _ = microscope_field(smear, 0.0, 0.0, round(SMEAR_UM / SMEAR_MPP), SMEAR_MPP)
        regions = regionprops(labels)  # type: ignore[no-untyped-call]
        truth = [(r.bbox[1], r.bbox[0], r.bbox[3], r.bbox[2]) for r in regions]
        yield "synthetic smears", image, SMEAR_MPP, np.array(truth, np.float64).reshape(-1, 4)


if __name__ == "__main__":
    main()
