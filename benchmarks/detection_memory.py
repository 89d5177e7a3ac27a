"""Checks that detection needs no more memory for a large slide than for a small one.

    python benchmarks/detection_memory.py [--sides 4096,40960] [--device cpu|cuda]

Writes synthetic slides of these sides (px at 0.25 µm; copies of a square of 2048 px side by side), detects the cells of
each in its own process, and prints that process's largest resident size before the first tile and at the end. Only the
table of cells grows. Not in continuous integration: the large slide takes minutes.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from orbicyte.detection.detector import Detector
from orbicyte.slides.reader import open_slide
from orbicyte.synthetic import sample_smear
from orbicyte.synthetic.slide_file import draw_slide

MPP = 0.25
SQUARE_PX = 2048


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="4096,40960")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print("| slide | file, MB | cells | minutes | memory at the start, MB | at most, MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for side_px in map(int, options.sides.split(",")):
            path = Path(folder) / f"{side_px}.tif"
            times = -(-side_px // SQUARE_PX)
            side_um = SQUARE_PX * MPP
            draw_slide(path, sample_smear(0, side_um, side_um), MPP, repeat=(times, times))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cells, minutes, start, most = pool.apply(find, (path, options.device))
            size = path.stat().st_size / 1e6
            px = times * SQUARE_PX
            print(f"| {px} x {px} px | {size:.0f} | {cells} | {minutes:.1f} | {start:.0f} | {most:.0f} |", flush=True)


def find(path: Path, device: str) -> tuple[int, float, float, float]:
    """Cells, minutes, and the process's largest resident size in MB before and after."""
    detector = Detector.load(device=device)
    began, start = time.monotonic(), resident()
    with open_slide(path) as slide:
        cells = detector.detect(slide, slide.info.fingerprint)
    return len(cells), (time.monotonic() - began) / 60, start, resident()


def resident() -> float:
    """The largest resident size so far, in MB (Linux counts it in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
