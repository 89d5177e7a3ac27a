"""Throughput of the review server: crops requested for the first time, the same crops again, and batches saved.

17,000 cells at random positions on a synthetic slide of 20,480 x 20,480 px; crops of 96 px and 24 µm, the most
uncertain first, over six persistent connections, as in a browser; then four readers who each save one decision after
another, each answered after it is on disk. Server and clients share the machine.

``python benchmarks/review_server.py [--crops 3000] [--seconds 5] [--folder KEPT]``
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

from orbicyte.slides.reader import open_slide
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record
from orbicyte.synthetic import draw_slide, sample_smear

MPP, SMEAR_UM, REPEAT, CELLS = 0.25, 512, 10, 17_000
CONNECTIONS, READERS = 6, 4


def main() -> None:
    """Make a study, serve it, send requests, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crops", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--folder", type=Path, help="folder that keeps the slide; by default it is discarded")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = make_study(arguments.folder or Path(temporary))
        words = [sys.executable, "-m", "orbicyte", "review", str(study.path), "--no-open"]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr
            address = next(line.split()[1] for line in server.stderr if line.startswith("review: http"))
            print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
            measure(address, arguments.crops, arguments.seconds)
            server.terminate()


def make_study(folder: Path) -> Study:
    """One slide, a synthetic smear repeated as tiles, with cells at random positions."""
    study, path = Study.create(folder / "study"), folder / "smear.tif"
    if not path.exists():
        draw_slide(path, sample_smear(0, SMEAR_UM, SMEAR_UM), MPP, repeat=(REPEAT, REPEAT))
    info = open_slide(path, MPP).info
    write_record(study, SlideRecord("a", str(path), info.vendor, info.width_px, info.height_px, MPP, info.fingerprint))
    rng = np.random.default_rng(0)
    x_px, y_px = rng.uniform(0, info.width_px, CELLS), rng.uniform(0, info.height_px, CELLS)
    place = {"x_px": x_px, "y_px": y_px, "x_um": x_px * MPP, "y_um": y_px * MPP, "diameter_um": np.full(CELLS, 12.0)}
    ids = [cell_id(str(i), x, y) for i, (x, y) in enumerate(zip(x_px, y_px, strict=True))]
    cells = {"id": ids, **place, "score": rng.uniform(0, 1, CELLS), "outline_px": [[]] * CELLS}
    write_cells(study, "a", pd.DataFrame(cells))
    return study


def measure(address: str, crops: int, seconds: float) -> None:
    """Print crops and batches per second."""
    columns = httpx.get(f"{address}api/slides/a/cells", params={"reader": "Ada"}).json()
    cells = [columns["id"][i] for i in np.argsort(columns["uncertainty"])[::-1][:crops]]
    for label in ("first request", "second request"):
        started = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda part: fetch(address, part), [cells[i::CONNECTIONS] for i in range(CONNECTIONS)]))
        print(f"crops, {label}: {crops / (time.perf_counter() - started):.0f} per second")
    with ThreadPoolExecutor(READERS) as threads:
        saved = sum(threads.map(lambda i: save(address, f"reader {i}", cells, seconds), range(READERS)))
    print(f"decisions saved, each its own batch: {saved / seconds:.0f} per second")


def fetch(address: str, cells: list[str]) -> None:
    """Request crops over one connection."""
    with httpx.Client(base_url=address) as client:
        for cell in cells:
            client.get(f"/crops/a/{cell}.jpg?px=96&um=24").raise_for_status()


def save(address: str, reader: str, cells: list[str], seconds: float) -> int:
    """Save decisions one by one; return how many were answered."""
    until, number = time.perf_counter() + seconds, 0
    with httpx.Client(base_url=address, headers={"X-Orbicyte": "1"}) as client:
        while time.perf_counter() < until:
            event = {"id": str(uuid.uuid4()), "slide": "a", "cell": cells[number % len(cells)], "kind": "check"}
            body = {"reader": reader, "events": [{**event, "after": {"status": "kept"}}]}
            client.post("/api/events", json=body).raise_for_status()
            number += 1
    return number


if __name__ == "__main__":
    main()
