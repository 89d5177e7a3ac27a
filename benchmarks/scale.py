"""Time and memory of ``embed``, ``evaluate``, ``import``, ``cut`` and ``audit`` with many patches of 64 px.

    python benchmarks/scale.py FOLDER embed 10000 50000 [--run baseline|pretrained] |
        python scripts/put_in_page.py docs/scale.md embed
    python benchmarks/scale.py FOLDER evaluate 10000 1000000 | python scripts/put_in_page.py docs/scale.md evaluate-many
    python benchmarks/scale.py FOLDER import 5000 20000 80000 1000000 |
        python scripts/put_in_page.py docs/scale.md import
    python benchmarks/scale.py FOLDER cut 5000 20000 80000 1000000 | python scripts/put_in_page.py docs/scale.md cut
    python benchmarks/scale.py FOLDER audit 2500 5000 10000 | python scripts/put_in_page.py docs/scale.md audit

FOLDER is empty or absent, and is kept; a patch takes 12 kB in it, 25 kB for ``import`` (patches and PNG files) and
30 kB for ``cut`` (patches of 92 px, so that 64 px can be rotated, and the slide). The patches are 300 synthetic cells,
rotated by multiples of 90°, mirrored and with fresh noise, so that no two are equal; for ``audit``, which would find
these copies, as many cells as patches. Each command runs as a process of its own; its peak memory is what the system
states as VmHWM (Linux), with the pages of mapped files.

``embed``: the command is killed (SIGKILL) after half of the cells, and started again. Before, in this process, blocks
of 16 batches alternate between all that ``embed`` does (reading, views, network, saving) and the network's forward
pass alone, on inputs that are in memory. ``--run baseline``: the network of the quick preset, trained for one epoch on
1,000 of the patches; ``pretrained``: the shipped network.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.data.patches import Entry, PatchStore, write_store
from orbicyte.embedding import Embedder
from orbicyte.embedding.rows import embed_patches, embedded_rows
from orbicyte.presets import quick
from orbicyte.progress import print_line, track
from orbicyte.settings import Settings
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.stages.train import train
from orbicyte.study import Study
from orbicyte.study.cells import write_cells
from orbicyte.study.files import discard, read_json
from orbicyte.study.runs import PRETRAINED, RunFolder
from orbicyte.study.slides import write_record
from orbicyte.synthetic import draw, draw_slide, sample_cells, sample_smear
from orbicyte.training.shipped import adopt

SIDE_PX, RENDERED, NOISE = 64, 300, 6
TRAINED_ON = 1000
BATCHES_IN_BLOCK, BLOCKS = 16, 12
BASE_PX, CELLS_IN_BASE, MPP = 1536, 110, 0.25
"""The part of the slide that is repeated."""


@dataclass(frozen=True)
class Measured:
    """One process: wall-clock and processor time, peak memory, and whether it was killed."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    killed: bool


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("stage", choices=["embed", *STAGES])
    parser.add_argument("patches", type=int, nargs="+")
    parser.add_argument("--run", choices=["baseline", PRETRAINED], default=PRETRAINED)
    args = parser.parse_args()
    if args.stage == "embed":
        columns = ["patches", "network", "peak memory", "rate, of that of the network alone", "the same by the clock"]
        columns += ["continued", "processor time per patch", "in all"]
        print(f"| {' | '.join(columns)} |")
        print("|" + "---|" * len(columns))
        for count in args.patches:
            print(embed_row(args.folder / f"embed-{count}", count, args.run), flush=True)
        return
    print("| patches | processor time per patch | in all | peak memory | memory per patch above the first row |")
    print("|---|---|---|---|---|")
    first: tuple[int, float] | None = None
    for count in args.patches:
        measured = STAGES[args.stage](args.folder / f"{args.stage}-{count}", count)
        first = first or (count, measured.peak_mb)
        more = "" if count == first[0] else f"{1e3 * (measured.peak_mb - first[1]) / (count - first[0]):.1f} kB"
        times = f"{1e3 * measured.cpu_s / count:.2f} ms | {measured.wall_s:.0f} s"
        print(f"| {count:,} | {times} | {measured.peak_mb:.0f} MB | {more} |", flush=True)


def patches(count: int, cells: int = RENDERED, seed: int = 0) -> Iterator[Pixels]:
    """Different patches (64, 64, 3) of that many ``cells``."""
    rendered = [
        np.rint(draw(cell, SIDE_PX).image * 255).astype(np.int16) for cell in sample_cells(cells, seed, "unlabelled")
    ]
    random = np.random.default_rng(seed)
    for number in range(count):
        cell = rendered[number % cells]
        turned = np.rot90(cell if random.random() < 0.5 else cell[:, ::-1], int(random.integers(4)))
        noise = random.integers(-NOISE, NOISE + 1, turned.shape, dtype=np.int16)
        yield (turned + noise).clip(0, 255).astype(np.uint8)


def embed_row(folder: Path, count: int, network: str) -> str:
    """Embed a store of ``count`` patches; one row of the table."""
    study = make_store(folder, count)
    run = adopt(study, Settings()) if network == PRETRAINED else small_run(folder, study)
    by_processor, by_clock = shares_of_forward(study, run)
    for old in (run.embeddings, run.embedded):
        discard(old)
    words = ["embed", str(study.path), run.name]
    width = 4 * (2 * Embedder(run, "cpu").network.latent_size + 3)
    killed = measured(words, kill_when=run.embedded / "rows.f32", at_bytes=width * count // 2)
    record = run.embedded / "rows.json"
    kept = read_json(record)["count"] if record.exists() else 0
    rest = measured(words) if killed.killed else Measured(0, 0, 0, False)
    peak_mb, cpu_s = max(killed.peak_mb, rest.peak_mb), killed.cpu_s + rest.cpu_s
    return (
        f"| {count:,} | {network} | {peak_mb:.0f} MB | {by_processor} | {by_clock} | from {kept:,} | "
        f"{1e3 * cpu_s / count:.2f} ms | {killed.wall_s + rest.wall_s:.0f} s |"
    )


def make_store(folder: Path, count: int, cells: int = RENDERED) -> Study:
    """A study with a store of ``count`` patches of that many ``cells``; kept from an earlier call."""
    study = Study.create(folder / "study")
    if not study.patches.exists():
        entries = (Entry(patch, f"{number:07d}.png") for number, patch in enumerate(patches(count, cells)))
        write_store(study.patches, track(entries, "patches", count), side_px=SIDE_PX)
    return study


def small_run(folder: Path, study: Study) -> RunFolder:
    """A network that is trained on a small study, as a run of ``study``."""
    small = make_store(folder / "small", TRAINED_ON)
    trained = RunFolder(train(small, "baseline", settings=quick().changed(["training.max_epochs=1"])))
    run, record = RunFolder(study.run(trained.name)), trained.record()
    data = replace(record.data, fingerprint=PatchStore.open(study.patches).fingerprint)
    run.path.mkdir(parents=True, exist_ok=True)
    run.weights.write_bytes(trained.weights.read_bytes())
    run.write(replace(record, data=data))
    return run


@torch.inference_mode()
def shares_of_forward(study: Study, run: RunFolder) -> list[str]:
    """Rate of embedding over that of the network alone, by processor time and by the clock: median and range."""
    store, embedder = PatchStore.open(study.patches), Embedder(run)
    inputs = embedder.view(torch.from_numpy(store.images.read(0, embedder.batch)).to(embedder.device))
    alone_s, whole_s = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    with embedded_rows(run.path / "measured", embedder) as rows:
        batches = embed_patches(rows, embedder, store)
        for _ in range(1 + min(BLOCKS, len(store) // embedder.batch // BATCHES_IN_BLOCK - 1)):
            begin = clocks_s(embedder.device)
            for _ in range(BATCHES_IN_BLOCK):
                embedder.network.encode(inputs)
            middle = clocks_s(embedder.device)
            for _ in islice(batches, BATCHES_IN_BLOCK):
                pass
            alone_s.append(middle - begin)
            whole_s.append(clocks_s(embedder.device) - middle)
    rows.discard()
    shares = np.array(alone_s[1:]) / np.array(whole_s[1:])
    return [f"{np.median(share):.0%} ({share.min():.0%} to {share.max():.0%})" for share in shares.T]


def clocks_s(device: torch.device) -> NDArray[np.float64]:
    """Processor time, which other processes affect less, and the time of the clock; on a GPU after all pending work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return np.array([time.process_time(), time.perf_counter()])


def import_png(folder: Path, count: int) -> Measured:
    """``orbicyte import`` of ``count`` PNG files."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    for number, patch in enumerate(track(patches(count), "PNG files", count)):
        if not (file := files / f"{number:07d}.png").exists():
            Image.fromarray(patch).save(file, compress_level=0)  # noise cannot be compressed
    discard(folder / "study")
    return measured(["import", str(files), "--out", str(folder / "study")])


def cut_slide(folder: Path, count: int) -> Measured:
    """``orbicyte cut`` of ``count`` detected cells of a slide."""
    discard(folder)
    study = Study.create(folder / "study")
    repeat = int(np.ceil((1.2 * count / CELLS_IN_BASE) ** 0.5)) + 1
    smear = sample_smear(0, BASE_PX * MPP, BASE_PX * MPP, "slide", CELLS_IN_BASE)
    truth = draw_slide(folder / "slide.tif", smear, MPP, MPP, (repeat, repeat))
    with open_slide(folder / "slide.tif") as slide:
        record = record_of("slide", slide.info, MPP)
    inside = truth[["x_px", "y_px"]].min(axis=1) > SIDE_PX
    inside &= truth[["x_px", "y_px"]].max(axis=1) < repeat * BASE_PX - SIDE_PX
    cells = truth[inside].iloc[:count].reset_index(drop=True)
    assert len(cells) == count
    write_record(study, record)
    write_cells(study, "slide", cells.assign(score=0.9, outline_px=pd.Series([None] * count, dtype=object)))
    return measured(["cut", str(study.path), "--view-px", str(SIDE_PX), "--mpp", str(MPP)])


def evaluate_run(folder: Path, count: int) -> Measured:
    """``orbicyte evaluate`` of the baseline, with unlabelled cells only."""
    study = make_store(folder, count)
    run = small_run(folder, study)
    discard(run.scores)
    return measured(["evaluate", str(study.path), run.name])


def audit_study(folder: Path, count: int) -> Measured:
    """``orbicyte audit`` of ``count`` different cells."""
    return measured(["audit", str(make_store(folder, count, cells=count).path)])


def measured(words: list[str], kill_when: Path | None = None, at_bytes: int = 0) -> Measured:
    """Run ``orbicyte`` with ``words``; kill it when the file ``kill_when`` has ``at_bytes``. Raises if it fails."""
    print_line("orbicyte " + " ".join(words))
    before, begin = os.times(), time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "orbicyte", *words], stdout=sys.stderr)
    peak_kb, killed = 0, False
    while process.poll() is None:
        with suppress(OSError, TypeError):  # it has ended
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            peak_kb = max(peak_kb, int(found[1]))  # type: ignore[index]
        if kill_when is not None and kill_when.exists() and kill_when.stat().st_size >= at_bytes:
            process.send_signal(signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    after = os.times()
    if process.returncode != 0 and not killed:
        sys.exit(process.returncode)
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(time.perf_counter() - begin, cpu_s, peak_kb / 1024, killed)


STAGES = {"evaluate": evaluate_run, "import": import_png, "cut": cut_slide, "audit": audit_study}

if __name__ == "__main__":
    main()
