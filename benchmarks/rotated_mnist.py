"""Rotated MNIST: a harmonic network and a plain one of the same layout, width, kernel size and training.

    python benchmarks/rotated_mnist.py [DATA] [--out FOLDER]     all trainings, then the tables; continues after a stop
    python benchmarks/rotated_mnist.py [DATA] --search           the recipes on 10,000 digits, validated on 2,000
    python benchmarks/rotated_mnist.py [DATA] --cost             seconds of a training step on one core, by network
    python benchmarks/rotated_mnist.py --table                   the tables of the trainings that are done

DATA (or ORBICYTE_DATA) holds mnist/mnist.npz: 70,000 digits, of which 12,000 are for training and 50,000 for the test,
each rotated once by its own random angle. All networks are searched over the same ``RECIPES`` with --search, on 2,000
of the 12,000; the final networks are trained with the recipe in ``CHOSEN``, on all 12,000 for a fixed number of epochs,
and the test digits are read once, after the last.

Protocols: ``rotated`` trains on rotated digits, with new angles in every epoch; ``upright`` trains on the same digits
without rotation and is tested on rotated ones. Both deform and shift the digits a little. The weights that are tested
are an exponential moving average over the steps.

A training writes FOLDER/NETWORK-PROTOCOL-SEED.pt after every epoch and .json at its end (search: FOLDER/search/).
Random numbers depend on the seed and the epoch only. On a GPU results differ slightly between repetitions.
"""

import argparse
import copy
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from orbicyte.harmonic import (
    AveragePool2d,
    Fields,
    FourierReLU,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicReLU,
    HarmonicResidualBlock,
    InvariantMean,
)

KERNEL, WHOLE = 5, 7
"""Sides of the filters; the last ones cover the whole map of 7 px."""
PARTS = {"learn": (0, 10_000), "validate": (10_000, 12_000), "train": (0, 12_000), "test": (12_000, 62_000)}
PUBLISHED = {
    "H-Net (Worrall et al. 2017)": 1.69,
    "E(2)-steerable CNN (Weiler & Cesa 2019)": 0.68,
    "Sim2-CNN (Knigge et al. 2022)": 0.59,
}


@dataclass(frozen=True)
class Recipe:
    """Size of a network, and its training with AdamW: the rate increases in the warm-up, then decays as a cosine.

    ``widths``: real channels at 28, 14 and 7 px; ``stretch``: largest change of scale along one axis, as a logarithm;
    ``bend_px``: standard deviation of a smooth deformation; ``average``: decay of the averaged weights for each step.
    """

    widths: tuple[int, int, int]
    stretch: float
    shift_px: float
    bend_px: float
    epochs: int = 40
    batch: int = 128
    rate: float = 4e-3
    decay: float = 0.02
    warm_up: float = 0.1
    smoothing: float = 0.05
    dropout: float = 0.0
    average: float = 0.998


NARROW, WIDE = (16, 40, 64), (32, 64, 128)
NONE = (0.0, 0.0, 0.0)
WEAK = (0.04, 0.5, 0.0)
BENT = (0.04, 0.5, 0.3)
"""Deformations: ``stretch``, ``shift_px``, ``bend_px``."""
RECIPES = {
    "narrow-weak": Recipe(NARROW, *WEAK),
    "wide-none": Recipe(WIDE, *NONE),
    "wide-weak": Recipe(WIDE, *WEAK),
    "wide-bent": Recipe(WIDE, *BENT),
    "wide-weak-regular": Recipe(WIDE, *WEAK, dropout=0.3, decay=0.1),
    "wide-weak-small-batch": Recipe(WIDE, *WEAK, batch=64),
    "wide-weak-20": Recipe(WIDE, *WEAK, epochs=20, batch=64),
    "wide-weak-80": Recipe(WIDE, *WEAK, epochs=80),
    "wide-bent-80": Recipe(WIDE, *BENT, epochs=80),
}
"""The recipes of the search, the same for both networks."""
CHOSEN = {"harmonic": "wide-weak-20", "fourier": "wide-weak-20", "plain": "wide-weak-20"}
"""The recipes of the final networks. They are not the best of the search, but take half an hour of one core."""
PROTOCOLS = {"rotated": 1, "upright": 5}
"""The number of epochs is divided by this: digits of one orientation are learned faster."""


class HarmonicNetwork(nn.Module):
    """(B, 1, 28, 28) -> (B, 10). Half of the real width is fields of order 0, a quarter each of orders 1 and 2.

    ``fourier``: the same number of fields of each of the orders -2, ..., 2, and ReLUs on the circle.
    The read-out is invariant to rotation: fields of order 0 and magnitudes. Magnitudes are taken before the mean over
    the last map, as the mean of a field of order m is 0 for most shapes; filters that cover the map are read out, too.
    """

    def __init__(self, recipe: Recipe, fourier: bool = False) -> None:
        super().__init__()
        widths = (*recipe.widths, 2 * recipe.widths[-1])
        fields_of, relu = (fields_of_circle, FourierReLU) if fourier else (fields_of_three, HarmonicReLU)
        small, middle, large, last = (fields_of(width) for width in widths)

        def block(before: Fields, after: Fields) -> nn.Module:
            return HarmonicResidualBlock(before, after, KERNEL, activation=relu)

        self.trunk = nn.Sequential(
            HarmonicConv2d("1x0", small, KERNEL), HarmonicBatchNorm2d(small), relu(small),
            block(small, small), AveragePool2d(4),
            block(small, middle), block(middle, middle), AveragePool2d(4),
            block(middle, large), block(large, large),
        )  # fmt: skip
        self.whole = HarmonicConv2d(large, last, WHOLE)
        self.gate = nn.Sequential(HarmonicBatchNorm2d(last), relu(last))
        read_out = [InvariantMean(fields, eps=1e-4) for fields in (large, last)]
        self.read_out = nn.ModuleList(read_out)
        self.head = head(sum(part.features for part in read_out), recipe.dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 10), read out in float32."""
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
            maps = self.trunk(images)
            whole = self.gate(F.conv2d(maps, self.whole.weight()))  # no padding: one position is left
        read = [part(x) for part, x in zip(self.read_out, (maps, whole), strict=True)]
        logits: Tensor = self.head(torch.cat(read, 1))
        return logits


class PlainNetwork(nn.Module):
    """(B, 1, 28, 28) -> (B, 10): the same layout with ordinary convolutions, batch norms and ReLUs."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        small, middle, large = recipe.widths
        self.trunk = nn.Sequential(
            convolution(1, small), nn.ReLU(),
            PlainResidualBlock(small, small), AveragePool2d(4),
            PlainResidualBlock(small, middle), PlainResidualBlock(middle, middle), AveragePool2d(4),
            PlainResidualBlock(middle, large), PlainResidualBlock(large, large),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip
        self.whole = nn.Sequential(nn.Conv2d(large, 2 * large, WHOLE, bias=False), nn.BatchNorm2d(2 * large), nn.ReLU())
        self.head = head(3 * large, recipe.dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 10), read out in float32."""
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
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


NETWORKS: dict[str, Callable[[Recipe], nn.Module]] = {
    "harmonic": HarmonicNetwork,
    "fourier": partial(HarmonicNetwork, fourier=True),
    "plain": PlainNetwork,
}


def fields_of_three(width: int) -> Fields:
    """Fields with ``width`` real channels, 2 : 1 : 1 over the orders 0, 1, 2."""
    return Fields.of({0: width // 4, 1: width // 8, 2: width // 8})


def fields_of_circle(width: int) -> Fields:
    """Fields with about ``width`` real channels, the same number of each of the orders -2, ..., 2."""
    return Fields.of(dict.fromkeys((0, 1, -1, 2, -2), round(width / 10)))


def convolution(before: int, after: int) -> nn.Module:
    """An ordinary convolution that keeps the size, with its batch norm."""
    return nn.Sequential(nn.Conv2d(before, after, KERNEL, padding=KERNEL // 2, bias=False), nn.BatchNorm2d(after))


def head(features: int, dropout: float) -> nn.Module:
    """(B, features) -> (B, 10): a hidden layer, then logits."""
    hidden = nn.Sequential(nn.Linear(features, features, bias=False), nn.BatchNorm1d(features), nn.ReLU())
    return nn.Sequential(nn.BatchNorm1d(features), hidden, nn.Dropout(dropout), nn.Linear(features, 10))


# Digits


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
        F.avg_pool2d(resampled(few, grid_of(rotations(angle), 84), "bicubic"), 3).clamp_(0, 1)
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


def grid_of(matrix: Tensor, size_px: int, shift: Tensor | None = None) -> Tensor:
    """Positions (B, size, size, 2) at which pixels are read: matrix p + shift; matrices (B, 2, 2), shifts (B, 2)."""
    shift = matrix.new_zeros(len(matrix), 2) if shift is None else shift
    return F.affine_grid(torch.cat((matrix, shift[..., None]), 2), [len(matrix), 1, size_px, size_px], False)


def resampled(images: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Images (B, 1, S, S) read at ``grid``; 0 outside."""
    return F.grid_sample(images, grid, mode=mode, padding_mode="zeros", align_corners=False)


def augmented(images: Tensor, is_rotated: bool, recipe: Recipe) -> Tensor:
    """Images (B, 1, S, S) stretched along a random axis and across it, bent, shifted, and rotated if ``is_rotated``."""
    count, size, device = len(images), images.shape[-1], images.device
    axis = rotations(2 * math.pi * torch.rand(count, device=device))
    stretch = torch.exp(recipe.stretch * (2 * torch.rand(count, 1, 2, device=device) - 1))
    matrix = (axis * stretch) @ axis.mT
    if is_rotated:
        matrix = matrix @ rotations(2 * math.pi * torch.rand(count, device=device))
    shift = (2 * torch.rand(count, 2, device=device) - 1) * recipe.shift_px * 2 / size
    coarse = torch.randn(count, 2, 5, 5, device=device) * recipe.bend_px * 2 / size
    bend = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    return resampled(images, grid_of(matrix, size, shift) + bend.permute(0, 2, 3, 1), "bicubic")


# Training


@dataclass(frozen=True)
class Training:
    """One training: what is trained on what, where its files are, and the device."""

    network: str
    protocol: str
    seed: int
    recipe: Recipe
    data: Path
    result: Path
    device: str
    is_search: bool = False

    def run(self) -> None:
        """Train from the last epoch on disk, test, and write the result, unless it is there.

        Raises ``ValueError`` if the files are those of another recipe.
        """
        if self.result.exists():
            self._require_same(json.loads(self.result.read_text())["recipe"], self.result)
            return
        torch.manual_seed(1000 * self.seed)
        network = NETWORKS[self.network](self.recipe).to(self.device)
        average = get_ema_multi_avg_fn(self.recipe.average)  # type: ignore[no-untyped-call]
        averaged = AveragedModel(network, multi_avg_fn=average)
        held_out = self._digits("validate", True) if self.is_search else None
        seconds, line = 0.0, ""
        for epoch, loss, seconds in self._epochs(network, averaged):
            line = f"{self.result.stem} epoch {epoch:2d}/{self.recipe.epochs} loss {loss:.4f} {seconds / 60:5.1f} min"
            if held_out and epoch % 5 == 0:
                line += " validation error {:.2%} cross-entropy {:.4f}".format(*tested(averaged, *held_out))
            print(line, flush=True)
        error, entropy = tested(averaged, *(held_out or self._digits("test", True)))
        content = {
            **{"network": self.network, "protocol": self.protocol, "seed": self.seed, "error": error},
            **{"cross_entropy": entropy, "parameters": sum(p.numel() for p in network.parameters())},
            **{"minutes": seconds / 60, "device": describe(self.device), "recipe": asdict(self.recipe)},
        }
        temporary = self.result.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=1) + "\n")
        temporary.replace(self.result)

    def _epochs(self, network: nn.Module, averaged: nn.Module) -> Iterator[tuple[int, float, float]]:
        """Train, from the checkpoint if there is one; yields epoch, mean loss and seconds of training so far."""
        recipe, checkpoint, is_rotated = self.recipe, self.result.with_suffix(".pt"), self.protocol == "rotated"
        images, classes = self._digits("learn" if self.is_search else "train", is_rotated)
        optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
        if self.device == "cuda":  # one launch instead of a thousand, which take several times as long as their work
            unchanged = copy.deepcopy(network.state_dict())
            sample = torch.zeros(recipe.batch, 1, 28, 28, device=self.device)
            torch.cuda.make_graphed_callables(network.train(), (sample,))
            network.load_state_dict(unchanged)  # the warm-up changed running statistics
        states: dict[str, Any] = {"network": network, "averaged": averaged, "optimiser": optimiser}
        first, seconds = 0, 0.0
        if checkpoint.exists():
            saved: dict[str, Any] = torch.load(checkpoint, weights_only=True, map_location=self.device)
            self._require_same(saved["recipe"], checkpoint)
            for name, part in states.items():
                part.load_state_dict(saved[name])
            first, seconds = saved["epoch"], saved["seconds"]
            if first == recipe.epochs:
                yield first, math.nan, seconds
        steps = len(images) // recipe.batch
        for epoch in range(first, recipe.epochs):
            start, total = time.perf_counter(), torch.zeros((), device=self.device)
            torch.manual_seed(1000 * self.seed + epoch + 1)
            network.train()
            rows = torch.randperm(len(images), device=self.device)[: steps * recipe.batch].view(steps, -1)
            for step in range(steps):
                optimiser.param_groups[0]["lr"] = recipe.rate * share((epoch + step / steps) / recipe.epochs, recipe)
                total += training_step(network, optimiser, images[rows[step]], classes[rows[step]], is_rotated, recipe)
                averaged.update_parameters(network)  # type: ignore[operator]
            mean = total.item() / steps
            seconds += time.perf_counter() - start
            content = {name: part.state_dict() for name, part in states.items()}
            temporary = checkpoint.with_suffix(".tmp")
            torch.save({**content, "epoch": epoch + 1, "seconds": seconds, "recipe": _plain(recipe)}, temporary)
            temporary.replace(checkpoint)
            yield epoch + 1, mean, seconds

    def _digits(self, part: str, is_rotated: bool) -> tuple[Tensor, Tensor]:
        images, classes = read_digits(self.data, part, is_rotated)
        return images.to(self.device), classes.to(self.device)

    def _require_same(self, of_file: dict[str, Any], path: Path) -> None:
        if of_file != _plain(self.recipe):
            raise ValueError(f"{path} was trained with {of_file}, not {_plain(self.recipe)}: use another --out")


def _plain(recipe: Recipe) -> dict[str, Any]:
    """As read from JSON."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return content


def describe(device: str) -> str:
    """The device, for the table."""
    return torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def training_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    classes: Tensor,
    is_rotated: bool,
    recipe: Recipe,
) -> Tensor:
    """One step on augmented images; the loss."""
    logits = network(augmented(images, is_rotated, recipe))
    loss = F.cross_entropy(logits, classes, label_smoothing=recipe.smoothing)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.detach()


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


def cost(recipe: Recipe) -> Iterator[str]:
    """The time of a training step of each network on this CPU, and of a whole training; lines of a table."""
    images, classes = torch.rand(recipe.batch, 1, 28, 28), torch.randint(0, 10, (recipe.batch,))
    for name, kind in NETWORKS.items():
        network = kind(recipe)
        optimiser = torch.optim.AdamW(network.parameters(), recipe.rate)
        seconds = []
        for _ in range(6):
            start = time.perf_counter()
            training_step(network, optimiser, images, classes, True, recipe)
            seconds.append(time.perf_counter() - start)
        step = statistics.median(seconds[1:])
        hours = step * recipe.epochs * (12_000 // recipe.batch) / 3600
        yield f"{name:10}{step:6.3f} s a step of {recipe.batch}, {hours:.1f} h for {recipe.epochs} epochs"


# Tables


def table(out: Path) -> str:
    """A line for each network and protocol: mean and standard deviation over the finished seeds."""
    runs = [json.loads(p.read_text()) for p in sorted(out.glob("*.json"))]
    titles = f"{'network':10}{'trained on':12}{'parameters':>10}  {'test error ± SD':16}{'seeds':>5}"
    lines = [f"{titles}{'minutes':>9}  device"]
    for protocol in PROTOCOLS:
        for name in NETWORKS:
            own = [r for r in runs if (r["network"], r["protocol"]) == (name, protocol)]
            if own:
                errors = [100 * r["error"] for r in own]
                spread = f"{statistics.stdev(errors):.2f}" if len(own) > 1 else "?"
                error, minutes = statistics.mean(errors), statistics.mean(r["minutes"] for r in own)
                lines.append(
                    f"{name:10}{protocol:12}{own[0]['parameters']:>10,}  {f'{error:.2f} ± {spread} %':16}"
                    f"{len(own):>5}{minutes:>9.1f}  {own[0]['device']}"
                )
    lines += ["", "Published, on the original rotated MNIST test set; ours was rotated by us, so it is not the same:"]
    return "\n".join(lines + [f"{name:40} {error:.2f} %" for name, error in PUBLISHED.items()])


def search_table(out: Path) -> str:
    """A line for each network and recipe of the search."""
    lines = [
        f"{'network':10}{'recipe':24}{'validation error':>18}{'cross-entropy':>16}{'parameters':>12}{'minutes':>9}"
    ]
    for name in NETWORKS:
        for title in RECIPES:
            path = out / "search" / f"{name}-{title}.json"
            if path.exists():
                r = json.loads(path.read_text())
                lines.append(
                    f"{name:10}{title:24}{r['error']:>18.2%}{r['cross_entropy']:>16.4f}{r['parameters']:>12,}"
                    f"{r['minutes']:>9.1f}"
                )
    return "\n".join(lines)


def main() -> None:
    """Train the networks that are not finished, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--out", type=Path, default=Path("rotated_mnist"))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--protocols", nargs="+", choices=list(PROTOCOLS), default=list(PROTOCOLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES), help="of the search")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.cost:
        for name in args.recipes:
            print(name, *cost(RECIPES[name]), sep="\n  ", flush=True)
        return
    if not args.table:
        if args.data is None:
            parser.error("give DATA, or set ORBICYTE_DATA")
        (args.out / "search").mkdir(parents=True, exist_ok=True)
        for training in trainings(args):
            training.run()
    print(search_table(args.out), table(args.out), sep="\n\n")


def trainings(args: argparse.Namespace) -> Iterator[Training]:
    """The trainings that the options ask for."""
    data, out = Path(args.data), args.out
    for name in args.networks:
        if args.search:
            for title in args.recipes:
                path = out / "search" / f"{name}-{title}.json"
                yield Training(name, "rotated", 0, RECIPES[title], data, path, args.device, is_search=True)
            continue
        for protocol in args.protocols:
            for seed in args.seeds:
                recipe = RECIPES[CHOSEN[name]]
                recipe = replace(recipe, epochs=recipe.epochs // PROTOCOLS[protocol])
                path = out / f"{name}-{protocol}-{seed}.json"
                yield Training(name, protocol, seed, recipe, data, path, args.device)


if __name__ == "__main__":
    main()
