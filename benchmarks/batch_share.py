"""Share of a training step for reading, rotating and copying the batch (target: at most 10 %).

    python benchmarks/batch_share.py [STUDY] [--steps N] [--device cpu|cuda]

Without a study, 512 synthetic cells of 128 px are stored in a temporary folder. For each network the two parts of every
step are timed, one after the other; medians and the median share are printed, with the smallest and the largest share
of a step.
"""

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from orbicyte import plugins, variants
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.models.losses import terms
from orbicyte.models.vae import build
from orbicyte.presets import PRESETS
from orbicyte.settings import Settings
from orbicyte.stages.import_ import import_
from orbicyte.synthetic import draw_study
from orbicyte.training.batches import Patches
from orbicyte.training.networks import load_variant


def main() -> None:
    """Print one line per network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--preset", choices=list(PRESETS), default="quick")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = PatchStore.open(args.study / "patches") if args.study else synthetic_store(Path(folder))
        settings = PRESETS[args.preset]()
        size = settings.network.size_px
        print(f"{args.preset}: stored {store.side_px} px, network {size} px, batches of {settings.training.batch_size}")
        print(f"{args.device}, {torch.get_num_threads()} threads, {args.steps} steps")
        for name in plugins.names(variants):
            print(measured(name, store, settings, args.steps, torch.device(args.device)))


def synthetic_store(folder: Path) -> PatchStore:
    """A store of 512 synthetic cells."""
    draw_study(folder / "cells", labelled=32, unlabelled=480, size_px=128)
    return import_(folder / "cells", folder / "study")


def measured(name: str, store: PatchStore, settings: Settings, steps: int, device: torch.device) -> str:
    """Milliseconds of both parts of a step, and the share of the batch, as a line."""
    variant = load_variant(name, settings, 0.5)
    network = build(variant, settings.network, store.fill_rgb, seed=0).to(device)
    optimiser = torch.optim.Adam(network.parameters())
    view = View(store.side_px, store.view_px, settings.network.size_px, store.fill_rgb)
    patches = Patches(store.images, np.arange(len(store)))
    size, count = settings.training.batch_size, 1 if variant.rotation_weight is None else 2
    batches, computing = [], []
    for step in range(steps + 2):
        rows = np.random.default_rng(step).permutation(len(store))[:size].tolist()
        start = now(device)
        images = patches[rows].to(device)
        angles = [torch.rand(len(rows), device=device) * 2 * math.pi for _ in range(count)]
        discs = view.discs(images)
        views = [view.rotated(discs, angle if variant.rotated_views else None) for angle in angles]
        middle = now(device)
        noise = torch.randn(count * len(rows), network.latent_size, device=device)
        loss = terms(network, views, noise, settings.loss, variant.rotation_weight).total
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        batches.append(middle - start)
        computing.append(now(device) - middle)
    shares = [b / (b + c) for b, c in zip(batches[2:], computing[2:], strict=True)]
    return (
        f"{name:12s} batch {1000 * statistics.median(batches[2:]):6.1f} ms, "
        f"network {1000 * statistics.median(computing[2:]):7.1f} ms: the batch is {statistics.median(shares):.1%} "
        f"of a step ({min(shares):.1%} to {max(shares):.1%})"
    )


def now(device: torch.device) -> float:
    """Time in seconds, after the device has finished all pending work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
