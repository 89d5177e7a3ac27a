"""The speed of detection, compared with that of reading alone and of the network alone.

    python benchmarks/detection_speed.py [SLIDE] [--rounds 3] [--threads N] [--device cpu|cuda]

Without SLIDE, on a synthetic one: 12,288 x 12,288 px at 0.25 µm, copies of a square of 2048 px side by side. Every
round does, one after the other, on the same tiles and with the same number of threads: "reading", which reads the
tiles; "U-Net", the network's predictions for tiles in memory, and again with all threads on one tile at a time;
"detection", the table of cells. Megapixels per second are those of the tiles without halos, at the detector's µm per
pixel; medians over the rounds. The ratio is the speed of detection over that of the slower of reading and the U-Net
(the faster of its two ways), within a round: median, smallest and largest. Use an idle machine.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from orbicyte.detection.detector import Detector
from orbicyte.detection.pipeline import batches
from orbicyte.detection.tiles import HALO_PX, Tile, read_tile
from orbicyte.slides.reader import SlideReader, open_slide
from orbicyte.synthetic import sample_smear
from orbicyte.synthetic.slide_file import draw_slide

SQUARE_UM, TIMES = 512.0, 6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slide", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        path = options.slide or Path(folder) / "synthetic.tif"
        if options.slide is None:
            draw_slide(path, sample_smear(0, SQUARE_UM, SQUARE_UM), repeat=(TIMES, TIMES))
        with open_slide(path) as slide:
            measure(slide, Detector.load(device=options.device), options.rounds)


def measure(slide: SlideReader, detector: Detector, rounds: int) -> None:
    """Time all of them in every round and print the results."""
    tiles = detector.tiles(slide)
    image = detector.on_slide(slide)
    pixels = [read_tile(image, tile, HALO_PX) for tile in tiles]

    parts = list(batches(pixels, detector.finder.batch))

    def reading() -> None:
        with detector.finder.cores(len(tiles)) as (pool, _):
            list(pool.map(lambda tile: read_tile(image, tile, HALO_PX).shape, tiles))

    def network() -> None:
        with detector.finder.cores(len(tiles)) as (pool, _):
            list(pool.map(lambda part: detector.finder.predict(part).shape, parts))

    def one_by_one() -> None:
        for part in parts:
            detector.finder.predict(part)

    def detection() -> None:
        detector.detect(slide, "benchmark")

    ways = {"reading": reading, "U-Net": network, "U-Net, tile by tile": one_by_one, "detection": detection}
    network()
    seconds = [{name: timed(way) for name, way in ways.items()} for _ in range(rounds)]
    area = sum(covered(tile, image.width_px, image.height_px) for tile in tiles) / 1e6
    what = f"{len(tiles)} tiles, {area:.1f} MP at {detector.mpp} µm, {torch.get_num_threads()} threads"
    print(f"| {what} | MP per second |\n|---|---|")
    for name in ways:
        print(f"| {name} | {area / statistics.median(one[name] for one in seconds):.2f} |")
    ratios = [max(one["reading"], min(one["U-Net"], one["U-Net, tile by tile"])) / one["detection"] for one in seconds]
    print(
        f"| detection / slower of the two | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
    )


def timed(way: Callable[[], None]) -> float:
    """Seconds that ``way`` takes."""
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def covered(tile: Tile, width_px: int, height_px: int) -> int:
    """Pixels of the image in the tile's core."""
    return min(tile.width_px, width_px - tile.left_px) * min(tile.height_px, height_px - tile.top_px)


if __name__ == "__main__":
    main()
