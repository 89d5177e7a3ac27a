"""Rotated MNIST: a harmonic network and a plain one of the same layout, width, kernel size and training.

    python benchmarks/rotated_mnist.py [DATA] [--out FOLDER]     all runs, then the table; continues where it stopped
    python benchmarks/rotated_mnist.py [DATA] --choose           trains on 10,000 digits, validates on 2,000, no test
    python benchmarks/rotated_mnist.py --table                   the table of the runs that are done

DATA (or ORBICYTE_DATA) holds mnist/mnist.npz: 70,000 digits, of which 12,000 are for training and 50,000 for the test,
each rotated once by its own random angle. Settings were chosen with --choose, on 2,000 of the 12,000; the final
networks are trained on all 12,000 for a fixed number of epochs, and the test digits are read once, after the last.
They were chosen for the harmonic network under the protocol ``rotated``; nothing was chosen for the others.

Protocols: ``rotated`` trains on rotated digits, with new angles in every epoch; ``upright`` trains on the same digits
without rotation and is tested on rotated ones. Both stretch and shift the digits a little.

A training writes FOLDER/NETWORK-PROTOCOL-SEED.pt after every epoch and .json at its end. Random numbers depend on the
seed and the epoch only.
"""

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicReLU,
    HarmonicResidualBlock,
)

WIDTHS = (16, 40, 64)
"""Real channels at 28, 14 and 7 px; twice the last of filters that cover the whole 7 px."""
KERNEL, WHOLE = 5, 7
PARTS = {"learn": (0, 10_000), "validate": (10_000, 12_000), "train": (0, 12_000), "test": (12_000, 62_000)}
EPOCHS = {"rotated": 20, "upright": 4}
PUBLISHED = {"H-Net (Worrall et al. 2017)": 1.69, "E(2)-steerable CNN (Weiler & Cesa 2019)": 0.68}


@dataclass(frozen=True)
class Recipe:
    """Training of a network, the same for both: AdamW; the rate increases in the warm-up, then decays as a cosine."""

    epochs: int
    batch: int = 64
    rate: float = 4e-3
    decay: float = 0.02
    warm_up: float = 0.1
    smoothing: float = 0.05
    dropout: float = 0.0
    stretch: float = 0.04
    shift_px: float = 0.5


class HarmonicNetwork(nn.Module):
    """(B, 1, 28, 28) -> (B, 10). Half of the real width is fields of order 0, a quarter each of orders 1 and 2.

    The read-out is invariant to rotation: fields of order 0 and magnitudes. Magnitudes are taken before the mean over
    the last map, as the mean of a field of order m is 0 for most shapes; filters that cover the map are read out, too.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        small, middle, self.large, self.last = (fields_of(width) for width in (*WIDTHS, 2 * WIDTHS[-1]))
        self.trunk = nn.Sequential(
            HarmonicConv2d("1x0", small, KERNEL), HarmonicBatchNorm2d(small), HarmonicReLU(small),
            harmonic_block(small, small), AveragePool2d(4),
            harmonic_block(small, middle), harmonic_block(middle, middle), AveragePool2d(4),
            harmonic_block(middle, self.large), harmonic_block(self.large, self.large),
        )  # fmt: skip
        self.whole = HarmonicConv2d(self.large, self.last, WHOLE)
        self.gate = nn.Sequential(HarmonicBatchNorm2d(self.last), HarmonicReLU(self.last))
        features = [fields.count + fields.orders.count(0) for fields in (self.large, self.last)]
        self.head = head(sum(features), dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 10), read out in float32."""
        with torch.autocast("cpu", torch.bfloat16):
            maps = self.trunk(images)
            whole = self.gate(F.conv2d(maps, self.whole.weight()))  # no padding: one position is left
        read = [
            fields.invariants(x.float(), 1e-4).mean((2, 3)) for fields, x in ((self.large, maps), (self.last, whole))
        ]
        logits: Tensor = self.head(torch.cat(read, 1))
        return logits


class PlainNetwork(nn.Module):
    """(B, 1, 28, 28) -> (B, 10): the same layout with ordinary convolutions, batch norms and ReLUs."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        small, middle, large = WIDTHS
        self.trunk = nn.Sequential(
            convolution(1, small), nn.ReLU(),
            PlainResidualBlock(small, small), AveragePool2d(4),
            PlainResidualBlock(small, middle), PlainResidualBlock(middle, middle), AveragePool2d(4),
            PlainResidualBlock(middle, large), PlainResidualBlock(large, large),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip
        self.whole = nn.Sequential(nn.Conv2d(large, 2 * large, WHOLE, bias=False), nn.BatchNorm2d(2 * large), nn.ReLU())
        self.head = head(3 * large, dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 10), read out in float32."""
        with torch.autocast("cpu", torch.bfloat16):
            maps = self.trunk(images)
            whole = self.whole(maps)
        logits: Tensor = self.head(torch.cat((maps.float().mean((2, 3)), whole.float().flatten(1)), 1))
        return logits


class PlainResidualBlock(nn.Module):
    """(B, before, S, S) -> (B, after, S, S): two convolutions and a skip connection, as in the harmonic block."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(convolution(before, after), nn.ReLU(), convolution(after, after))
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output after its last ReLU."""
        return F.relu(self.branch(x) + self.skip(x))


NETWORKS: dict[str, type[HarmonicNetwork] | type[PlainNetwork]] = {"harmonic": HarmonicNetwork, "plain": PlainNetwork}


def harmonic_block(before: Fields, after: Fields) -> nn.Module:
    """(B, before.channels, S, S) -> (B, after.channels, S, S)."""
    return HarmonicResidualBlock(before, after, KERNEL, activation=HarmonicReLU)


def fields_of(width: int) -> Fields:
    """Fields with ``width`` real channels, 2 : 1 : 1 over the orders 0, 1, 2."""
    return Fields.of({0: width // 4, 1: width // 8, 2: width // 8})


def convolution(before: int, after: int) -> nn.Module:
    """An ordinary convolution that keeps the size, with its batch norm."""
    return nn.Sequential(nn.Conv2d(before, after, KERNEL, padding=KERNEL // 2, bias=False), nn.BatchNorm2d(after))


def head(features: int, dropout: float) -> nn.Module:
    """(B, features) -> (B, 10)."""
    return nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(dropout), nn.Linear(features, 10))


def read_digits(data: Path, part: str, is_rotated: bool) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 28, 28) in [0, 1], and classes (N,), of a part; each rotated by its own angle, or by 0.

    A digit is interpolated bicubically at 84 px and averaged down to 28. Digits and angles are the same at every call.
    """
    with np.load(data / "mnist" / "mnist.npz") as file:
        images = np.concatenate([file["x_train"], file["x_test"]])
        classes = np.concatenate([file["y_train"], file["y_test"]])
    random = np.random.default_rng(0)
    rows = random.permutation(len(images))[slice(*PARTS[part])]
    angles = random.uniform(0, 2 * math.pi, len(images))[rows] * is_rotated
    digits = [
        F.avg_pool2d(resampled(few, rotations(angle), 84, "bicubic"), 3).clamp_(0, 1)
        for few, angle in zip(
            torch.split(torch.from_numpy(images[rows]).unsqueeze(1).float().div_(255), 500),
            torch.split(torch.from_numpy(angles).float(), 500),
            strict=True,
        )
    ]
    return torch.cat(digits), torch.from_numpy(classes[rows].astype(np.int64))


def rotations(angle_rad: Tensor) -> Tensor:
    """Rotation matrices (B, 2, 2) of angles (B,)."""
    cos, sin = torch.cos(angle_rad), torch.sin(angle_rad)
    return torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)


def resampled(images: Tensor, matrix: Tensor, size_px: int, mode: str, shift: Tensor | None = None) -> Tensor:
    """(B, 1, S, S) -> (B, 1, size, size): pixel p is read at matrix p + shift; matrices (B, 2, 2), shifts (B, 2)."""
    shift = torch.zeros(len(images), 2) if shift is None else shift
    grid = F.affine_grid(torch.cat((matrix, shift[..., None]), 2), [len(images), 1, size_px, size_px], False)
    return F.grid_sample(images, grid, mode=mode, padding_mode="zeros", align_corners=False)


def augmented(images: Tensor, is_rotated: bool, recipe: Recipe) -> Tensor:
    """Images (B, 1, S, S) stretched along a random axis and across it, shifted, and rotated if ``is_rotated``."""
    count, size = len(images), images.shape[-1]
    axis = rotations(2 * math.pi * torch.rand(count))
    stretch = torch.exp(recipe.stretch * (2 * torch.rand(count, 1, 2) - 1))
    matrix = (axis * stretch) @ axis.mT
    if is_rotated:
        matrix = matrix @ rotations(2 * math.pi * torch.rand(count))
    shift = (2 * torch.rand(count, 2) - 1) * recipe.shift_px * 2 / size
    return resampled(images, matrix, size, "bicubic", shift)


def train(
    network: nn.Module, images: Tensor, classes: Tensor, is_rotated: bool, seed: int, recipe: Recipe, checkpoint: Path
) -> Iterator[tuple[int, float, float]]:
    """Train, from the checkpoint if there is one; yields epoch, mean loss and seconds of training so far.

    The checkpoint is written to a temporary name and renamed. Raises ``ValueError`` if it has another recipe.
    """
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
    first, seconds = 0, 0.0
    if checkpoint.exists():
        saved: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        require_same(recipe, saved["recipe"], checkpoint)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        first, seconds = saved["epoch"], saved["seconds"]
    steps = len(images) // recipe.batch
    for epoch in range(first, recipe.epochs):
        start, total = time.perf_counter(), 0.0
        torch.manual_seed(1000 * seed + epoch + 1)
        network.train()
        for step, rows in enumerate(torch.split(torch.randperm(len(images))[: steps * recipe.batch], recipe.batch)):
            optimiser.param_groups[0]["lr"] = recipe.rate * share((epoch + step / steps) / recipe.epochs, recipe)
            logits = network(augmented(images[rows], is_rotated, recipe))
            loss = F.cross_entropy(logits, classes[rows], label_smoothing=recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item()
        seconds += time.perf_counter() - start
        states = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
        temporary = checkpoint.with_suffix(".tmp")
        torch.save({**states, "epoch": epoch + 1, "seconds": seconds, "recipe": asdict(recipe)}, temporary)
        temporary.replace(checkpoint)
        yield epoch + 1, total / steps, seconds


def require_same(recipe: Recipe, of_file: dict[str, Any], path: Path) -> None:
    """Raises ``ValueError`` if a file was written under another recipe."""
    if of_file != asdict(recipe):
        raise ValueError(f"{path} was trained with {of_file}, not {asdict(recipe)}: use another --out")


def share(done: float, recipe: Recipe) -> float:
    """Learning rate as a fraction of the largest, after a share ``done`` of the training."""
    if done < recipe.warm_up:
        return 0.05 + 0.95 * done / recipe.warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - recipe.warm_up) / (1 - recipe.warm_up))


def tested(network: nn.Module, images: Tensor, classes: Tensor) -> tuple[float, float]:
    """Share of digits (N, 1, S, S) with a wrong predicted class, and the mean cross-entropy."""
    network.eval()
    with torch.no_grad():
        logits = torch.cat([network(batch) for batch in torch.split(images, 500)])
    return (logits.argmax(1) != classes).double().mean().item(), F.cross_entropy(logits, classes).item()


def run(name: str, protocol: str, seed: int, data: Path, out: Path, recipe: Recipe, choose: bool) -> None:
    """Train one network and test it; with ``choose``, train on the 10,000 digits and print errors on the 2,000."""
    path = out / f"{name}-{protocol}-{seed}{'-choose' if choose else ''}.json"
    if path.exists():
        require_same(recipe, json.loads(path.read_text())["recipe"], path)
        return
    torch.manual_seed(1000 * seed)
    network = NETWORKS[name](recipe.dropout)
    parameters = sum(p.numel() for p in network.parameters())
    is_rotated, checkpoint = protocol == "rotated", path.with_suffix(".pt")
    images, classes = read_digits(data, "learn" if choose else "train", is_rotated)
    held_out = read_digits(data, "validate", True) if choose else None
    for epoch, loss, seconds in train(network, images, classes, is_rotated, seed, recipe, checkpoint):
        line = f"{path.stem} epoch {epoch:2d}/{recipe.epochs} loss {loss:.4f} {seconds / 60:5.1f} min"
        if held_out:
            error, entropy = tested(network, *held_out)
            line += f" validation error {error:.2%} cross-entropy {entropy:.4f}"
        print(line, flush=True)
    error, entropy = tested(network, *(held_out or read_digits(data, "test", True)))
    result = {"network": name, "protocol": protocol, "seed": seed, "parameters": parameters, "error": error}
    minutes = torch.load(checkpoint, weights_only=True)["seconds"] / 60
    more = {"cross_entropy": entropy, "minutes": minutes, "threads": torch.get_num_threads()}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({**result, **more, "recipe": asdict(recipe)}, indent=1) + "\n")
    temporary.replace(path)


def table(out: Path) -> str:
    """A line for each network and protocol: mean and standard deviation over the finished seeds."""
    runs = [json.loads(p.read_text()) for p in sorted(out.glob("*.json")) if not p.stem.endswith("-choose")]
    titles = f"{'network':10}{'trained on':12}{'parameters':>10}  {'test error ± SD':16}{'seeds':>5}"
    lines = [f"{titles}{'minutes':>9}{'threads':>9}"]
    for protocol in EPOCHS:
        for name in NETWORKS:
            own = [r for r in runs if (r["network"], r["protocol"]) == (name, protocol)]
            if own:
                errors = [100 * r["error"] for r in own]
                spread = f"{statistics.stdev(errors):.2f}" if len(own) > 1 else "?"
                error, minutes = statistics.mean(errors), statistics.mean(r["minutes"] for r in own)
                lines.append(
                    f"{name:10}{protocol:12}{own[0]['parameters']:>10,}  {f'{error:.2f} ± {spread} %':16}"
                    f"{len(own):>5}{minutes:>9.1f}{own[0]['threads']:>9}"
                )
    lines += ["", "Published, on the original rotated MNIST test set; ours was rotated by us, so it is not the same:"]
    return "\n".join(lines + [f"{name:40} {error:.2f} %" for name, error in PUBLISHED.items()])


def main() -> None:
    """Train the networks that are not finished, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--out", type=Path, default=Path("rotated_mnist"))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--protocols", nargs="+", choices=list(EPOCHS), default=list(EPOCHS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help=f"default: {EPOCHS}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if not args.table:
        if args.data is None:
            parser.error("give DATA, or set ORBICYTE_DATA")
        torch.set_num_threads(args.threads)
        args.out.mkdir(parents=True, exist_ok=True)
        for protocol in args.protocols:
            for name in args.networks:
                for seed in args.seeds:
                    recipe = Recipe(args.epochs or EPOCHS[protocol])
                    run(name, protocol, seed, Path(args.data), args.out, recipe, args.choose)
    print(table(args.out))


if __name__ == "__main__":
    main()
