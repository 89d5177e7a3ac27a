"""Embedding of rotated cells, most of the work of ``orbicyte evaluate``: at all angles together, and one by one.

    python benchmarks/evaluate_speed.py STUDY RUN... [--cells 64] [--rounds 6]
    python benchmarks/evaluate_speed.py STUDY RUN... --whole

In each round, the same cells of the study go through ``Embedder.embed_stored`` at each angle, ``embed_rotated`` at all
angles, which gives the same representations, and the network's forward pass alone, on views that are in memory. Printed
are medians of the processor time per cell and angle, and ratios with their range over the rounds. ``--whole`` evaluates
a copy of the run, and prints its processor time beside that of the training.
"""

import argparse
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from orbicyte import geometry
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.stages.evaluate import evaluate
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder


def whole(study: Study, run: str) -> None:
    """Evaluate a copy of ``run``, and print how long that and the training took."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Study.create(Path(folder) / "study")
        copied.patches.symlink_to(study.patches.resolve())
        shutil.copytree(study.run(run), copied.run(run), ignore=shutil.ignore_patterns("scores"))
        taken = seconds(lambda: evaluate(copied, run))
    record = RunFolder(study.run(run)).record()
    assert record.training is not None
    assert record.training.cpu_seconds is not None
    trained = record.training.cpu_seconds
    print(f"{run}: {record.data.train} training cells, {record.training.epochs} epochs")
    print(f"  training {trained:.0f} s, evaluation {taken:.0f} s of the processor: {taken / trained:.2f}")


def main() -> None:
    """Measure each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    study = Study.of(args.study)
    for run in args.runs:
        if args.whole:
            whole(study, run)
        else:
            rotated(study, run, args.cells, args.rounds)


@torch.inference_mode()
def rotated(study: Study, run: str, cells: int, rounds: int) -> None:
    """Print three times and two ratios."""
    store, embedder = PatchStore.open(study.patches), Embedder(RunFolder(study.run(run)), "cpu")
    angles = geometry.angles_deg(embedder.record.settings.evaluation.angle_step_deg)
    images = np.array(store.images[:cells])
    views = embedder.view(torch.from_numpy(images[: embedder.batch]))
    ways: dict[str, Callable[[], Sequence[object]]] = {
        "one by one": lambda: [embedder.embed_stored(images, math.radians(angle)).mean for angle in angles],
        "together": lambda: [found.mean for found in embedder.embed_rotated(images, angles)],
        "network": lambda: [embedder.network.encode(views) for _ in range(len(angles) * len(images) // len(views))],
    }
    moved = np.abs(np.array(ways["one by one"]()) - np.array(ways["together"]())).max()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(1e3 * seconds(way) / len(images) / len(angles))
    threads = torch.get_num_threads()
    print(f"{run}: {len(images)} cells of {store.side_px} px, {len(angles)} angles, {threads} threads")
    for name, values in times.items():
        print(f"  {name:10s} {statistics.median(values):.3f} ms per cell and angle")
    for name in ("together", "network"):
        ratios = [before / after for before, after in zip(times["one by one"], times[name], strict=True)]
        print(f"  one by one / {name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"  largest difference of a representation: {moved:.1e}")


def seconds(way: Callable[[], object]) -> float:
    """Processor time of one call."""
    begin = time.process_time()
    way()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
