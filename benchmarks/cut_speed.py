"""Patches per second of ``orbicyte cut``, compared with raw reads of the same regions (target: 85 % of their rate).

    python benchmarks/cut_speed.py [--patches 10000] [--chunk 1000] [--mpp 0.1] [--slide-mpp 0.1]

A synthetic smear of about 75 cells is repeated until the slide has enough cells (JPEG tiles of 256 px; at 0.1 µm per
pixel 37,000 x 37,000 px). Then, alternating by chunks: ``SlideReader.region`` of the squares, discarding the pixels,
and cutting of the patches, including all checks, measurements and writing to disk. Both read with the same number of
threads in the same order, each from its own open slide.
"""

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.patches import Skipped
from orbicyte.data.updating import updating
from orbicyte.prefetch import THREADS, in_threads
from orbicyte.slides.cut import in_reading_order, leaves_slide, missing_patches, stored_px
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import SlideReader, best_level, open_slide
from orbicyte.study.slides import SlideRecord
from orbicyte.synthetic.slide_file import draw_slide
from orbicyte.synthetic.smear_sampling import sample_smear

BASE_PX = 3072
PATCH_PX = 256
CELLS_IN_BASE = 75


def main() -> None:
    """Print patches per second of both, and their ratio for each chunk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, default=10_000)
    parser.add_argument("--chunk", type=int, default=1_000)
    parser.add_argument("--mpp", type=float, default=0.1, help="of the patches")
    parser.add_argument("--slide-mpp", type=float, default=0.1)
    parser.add_argument(
        "--folder", type=Path, help="where the slide and the patches are written; default: a temporary folder"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        record, cells = make_slide(Path(folder), args.patches, args.slide_mpp, args.mpp)
        print(f"{record.width_px} x {record.height_px} px at {record.mpp} µm, {len(cells)} patches at {args.mpp} µm")
        measure(Path(folder), record, cells, args.chunk, args.mpp)


def make_slide(folder: Path, patches: int, slide_mpp: float, mpp: float) -> tuple[SlideRecord, pd.DataFrame]:
    """Make a slide, and the table of the patches to cut from it."""
    repeat = int(np.ceil((1.1 * patches / CELLS_IN_BASE) ** 0.5)) + 1
    side_um = BASE_PX * slide_mpp
    smear = sample_smear(0, side_um, side_um, "speed", CELLS_IN_BASE)
    truth = draw_slide(folder / "speed.tif", smear, slide_mpp, slide_mpp, (repeat, repeat))
    with open_slide(folder / "speed.tif") as slide:
        info = slide.info
    record = record_of("speed", info, slide_mpp)
    inside = truth[~leaves_slide(truth, record, stored_px(PATCH_PX) * mpp)].reset_index(drop=True)
    inside = inside.loc[np.sort(np.random.default_rng(0).permutation(len(inside))[:patches])]
    side_px = stored_px(PATCH_PX)
    table = inside[["x_px", "y_px"]].assign(id=[f"c{at}" for at in range(len(inside))], slide="speed", mpp=mpp)
    table = table.assign(file="speed/" + table["id"], width_px=side_px, height_px=side_px, shared=False)
    empty = dict.fromkeys(("label", "patient", "reviewer"))
    return record, in_reading_order(table.assign(status="unchecked", **empty)).reset_index(drop=True)


def measure(folder: Path, record: SlideRecord, cells: pd.DataFrame, chunk: int, mpp: float) -> None:
    """Read and cut alternately."""
    side_px = stored_px(PATCH_PX)
    raw_s, cut_s = [], []
    failed: list[Skipped] = []
    with (
        open_slide(Path(record.path)) as slide,
        updating(folder / "patches", cells, side_px=side_px, view_px=PATCH_PX, mpp=mpp, source={}) as store,
    ):
        patches = missing_patches(store, {"speed": record}, side_px, PATCH_PX, failed)
        for start in range(0, len(cells), chunk):
            part = cells[start : start + chunk]
            begin = clocks_s()
            raw(slide, part, side_px, mpp)
            middle = clocks_s()
            for _ in islice(patches, len(part)):
                pass
            raw_s.append(middle - begin)
            cut_s.append(clocks_s() - middle)
        begin = clocks_s()
        list(patches)
        store.finish(failed, [])
        to_disk_s = clocks_s() - begin
    assert not failed, failed
    print(f"{THREADS} threads; chunks of {chunk}")
    for at, clock in enumerate(("wall clock", "processor time, less affected by other processes")):
        shares = np.array([read[at] / cut[at] for read, cut in zip(raw_s, cut_s, strict=True)])
        rates = [len(cells) / np.sum(parts, axis=0)[at] for parts in (raw_s, cut_s, [*cut_s, to_disk_s])]
        print(f"{clock}: raw {rates[0]:.0f}/s, cut {rates[1]:.0f}/s, and with writing to disk {rates[2]:.0f}/s")
        print(f"  {rates[2] / rates[0]:.0%} of raw; chunks {shares.min():.0%} to {shares.max():.0%}")


def clocks_s() -> NDArray[np.float64]:
    """Wall clock and processor time of all threads."""
    return np.array([time.perf_counter(), time.process_time()])


def raw(slide: SlideReader, cells: pd.DataFrame, side_px: int, mpp: float) -> None:
    """Read the regions of these patches at the level that is used for cutting."""
    assert slide.info.mpp is not None
    scale = mpp / slide.info.mpp
    level = best_level(slide.info.downsamples, scale)
    read_px = round(side_px * scale / slide.info.downsamples[level])

    def read(place: tuple[float, float]) -> int:
        corner_px = [round(at - side_px * scale / 2) for at in place]
        return len(slide.region(corner_px[0], corner_px[1], read_px, read_px, level))

    for _ in in_threads(read, list(cells[["x_px", "y_px"]].itertuples(index=False, name=None))):
        pass


if __name__ == "__main__":
    main()
