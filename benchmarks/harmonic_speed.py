"""Time of a training step and of an embedding: a harmonic encoder, a plain one, and escnn's if it is installed.

    python benchmarks/harmonic_speed.py [--size-px 64] [--batch 64] [--rounds N] [--threads N] [--device cpu|cuda]
    python benchmarks/harmonic_speed.py --profile     what a training step of "harmonic" spends where, on a CPU

Three encoders of one structure: a 5 x 5 convolution, three residual blocks of two 5 x 5 convolutions with halvings
in between, a last 5 x 5 convolution with its norm, the mean over space; 16, 32, 64 and 128 real channels. "harmonic" is
``HarmonicEncoder`` with fields of orders 0, 1 and 2, "escnn" has as many real channels of each order, "plain" batch
norm, ReLU and means of 2 x 2 pixels. Every round runs one step of each, one after the other; a ratio is the median
over rounds of the ratios within a round, with the smallest and the largest.
The equivariance error is that of the encoder at initialisation, its norms calibrated: the movement of the features over
their spread between inputs, for synthetic cells of one type, drawn at 15, 30, ... 345 degrees.

escnn's dependencies need not be built; lie_learn, which it imports for SO(3) only, is replaced here:

    pip install --no-deps --target escnn_site escnn
    PYTHONPATH=escnn_site python benchmarks/harmonic_speed.py
"""

import argparse
import importlib
import importlib.util
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from orbicyte.geometry import keep_disc
from orbicyte.harmonic import AveragePool2d, Fields, HarmonicConv2d
from orbicyte.harmonic.equivariance import ANGLES_DEG, movement_over_spread
from orbicyte.models.harmonic_encoder import SEVERAL_ORDERS, HarmonicEncoder, shared
from orbicyte.settings import NetworkSettings
from orbicyte.synthetic import draw, sample_cell

WIDTHS = (16, 32, 64, 128)
KERNEL_PX = 5
LARGER_PX = (64, 128, 256)

Context = Callable[[], AbstractContextManager[object]]


def main() -> None:
    """Print the table, then the measurements that need a GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-px", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--cells", type=int, default=16, help="synthetic cells for the equivariance error")
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.profile:
        print("\n".join(profiled(channels_last(torch.randn(args.batch, 3, args.size_px, args.size_px)), args.rounds)))
        print(f"\nMean of {args.rounds} steps; {args.threads} threads, batches of {args.batch} at {args.size_px} px.")
        return
    device = torch.device(args.device)
    encoders = built(device)
    print(f"{device.type}, {args.threads} threads, batches of {args.batch} at {args.size_px} px, {args.rounds} rounds")
    kept = "peak of a training step" if device.type == "cuda" else "kept by a training step for the backward pass"
    print(f"times: medians; memory: {kept}")
    if "escnn" not in encoders:
        print("escnn is not installed: see --help for how to compare with it")
    views = synthetic_views(args.size_px, args.cells).to(device)
    errors = {name: equivariance_error(encoder, views) for name, encoder in encoders.items()}
    images = channels_last(torch.randn(args.batch, 3, args.size_px, args.size_px, device=device))
    report(Measured.of(encoders, images, args.rounds), errors)
    if device.type != "cuda":
        print("no GPU: bf16 with torch.compile, and images per second at larger sizes, are skipped")
        return
    print("\nbf16 and torch.compile")
    report(compiled(images, args.rounds), errors)
    print("\nimages per second, bf16 and torch.compile")
    print(f"{'':12s}{'px':>5s}{'training':>12s}{'embedding':>12s}")
    for size in LARGER_PX:
        images = channels_last(torch.randn(args.batch, 3, size, size, device=device))
        print("\n".join(rates(compiled(images, args.rounds), size, args.batch)))


# The encoders


@dataclass(frozen=True)
class Layers:
    """The layers in which the encoders differ.

    ``conv`` takes channels in and out and a kernel size, the others a width.
    """

    first: Callable[[], nn.Module]
    conv: Callable[[int, int, int], nn.Module]
    norm: Callable[[int], nn.Module]
    activation: Callable[[int], nn.Module]
    pool: Callable[[int], nn.Module]
    last: Callable[[int], nn.Module]


class Residual(nn.Module):
    """(B, in, S, S) -> (B, out, S, S): two convolutions with norms, and a skip connection."""

    def __init__(self, layers: Layers, before: int, after: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            layers.conv(before, after, KERNEL_PX),
            layers.norm(after),
            layers.activation(after),
            layers.conv(after, after, KERNEL_PX),
            layers.norm(after),
        )
        self.skip = nn.Identity() if before == after else layers.conv(before, after, 1)
        self.activation = layers.activation(after)

    def forward(self, x: Any) -> Any:
        """The block's output after its last non-linearity."""
        return self.activation(self.branch(x) + self.skip(x))


def encoder_of(layers: Layers, widths: tuple[int, ...] = WIDTHS) -> nn.Sequential:
    """(B, 3, S, S) -> (B, features): the structure that all share."""
    width = widths[0]
    stem = [layers.first(), layers.norm(width), layers.activation(width)]
    stages = [
        part for before, after in pairwise(widths) for part in (layers.pool(before), Residual(layers, before, after))
    ]
    last = [layers.conv(widths[-1], widths[-1], KERNEL_PX), layers.norm(widths[-1]), layers.last(widths[-1])]
    return nn.Sequential(*stem, *stages, *last)


def built(device: torch.device) -> dict[str, nn.Module]:
    """The encoders by name, the same at each call; all except "escnn" with channels last in memory."""
    makers = {"plain": plain, "harmonic": harmonic}
    if importlib.util.find_spec("escnn"):
        makers |= {"escnn": partial(steerable, tuned=False), "escnn tuned": partial(steerable, tuned=True)}
    encoders: dict[str, nn.Module] = {}
    for name, maker in makers.items():
        torch.manual_seed(0)
        encoders[name] = maker().to(device)
        if name != "escnn":
            for parameter in encoders[name].parameters():
                parameter.data = channels_last(parameter.data)
    return encoders


def plain() -> nn.Module:
    """Convolutions, batch norm and ReLU."""
    conv = partial(nn.Conv2d, padding="same", bias=False)
    layers = Layers(
        first=lambda: conv(3, WIDTHS[0], KERNEL_PX),
        conv=conv,
        norm=nn.BatchNorm2d,
        activation=lambda _: nn.ReLU(),
        pool=lambda _: nn.AvgPool2d(2),
        last=lambda _: MeanOverSpace(),
    )
    return encoder_of(layers)


def harmonic() -> nn.Module:
    """The library's encoder of several orders; the features are mean magnitudes."""
    return HarmonicEncoder(NetworkSettings(harmonic_widths=WIDTHS, harmonic_kernel_px=KERNEL_PX))


def fields(width: int) -> Fields:
    """The encoder's fields in ``width`` real channels."""
    return shared(width // 2, SEVERAL_ORDERS)


class MeanOverSpace(nn.Module):
    """(B, C, S, S) -> (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """The means."""
        return x.mean((2, 3))


def steerable(tuned: bool) -> nn.Module:
    """escnn's layers with fields that are irreps; with its fastest norms and non-linearities for these.

    ``tuned``: computes in the layout of the images, and ``for_inference`` exports all layers that can be exported;
    otherwise escnn is not changed. The pooling is ours: with escnn's own the equivariance error is larger.
    """
    escnn, gspaces = _escnn()
    space = gspaces.rot2dOnR2(N=-1, maximum_frequency=max(SEVERAL_ORDERS))
    colours = escnn.FieldType(space, 3 * [space.trivial_repr])

    def typed(width: int) -> Any:
        size = {order: space.irrep(order).size for order in SEVERAL_ORDERS}
        real = [(2 * number, order) for number, order in fields(width).terms]
        irreps = [space.irrep(order) for channels, order in real for _ in range(channels // size[order])]
        return escnn.FieldType(space, irreps)

    def conv(before: Any, after: Any, kernel: int) -> nn.Module:
        layer: nn.Module = escnn.R2Conv(before, after, kernel, padding=kernel // 2, bias=False)
        return layer

    layers = Layers(
        first=lambda: nn.Sequential(
            nn.Identity() if tuned else Contiguous(), Typed(colours), conv(colours, typed(WIDTHS[0]), KERNEL_PX)
        ),
        conv=lambda before, after, kernel: conv(typed(before), typed(after), kernel),
        norm=lambda width: escnn.IIDBatchNorm2d(typed(width)),
        activation=lambda width: escnn.NormNonLinearity(typed(width)),
        pool=lambda width: nn.Sequential(Untyped(), AveragePool2d(4), Typed(typed(width))),
        last=lambda width: nn.Sequential(escnn.NormPool(typed(width)), Untyped(), MeanOverSpace()),
    )
    return encoder_of(layers)


class Contiguous(nn.Module):
    """(B, C, S, S) -> the same in torch's default layout."""

    def forward(self, x: Tensor) -> Tensor:
        """``x`` in that layout."""
        return x.contiguous()


class Typed(nn.Module):
    """A tensor -> escnn's tensor with a type."""

    def __init__(self, fields: Any) -> None:
        super().__init__()
        self.fields = fields

    def forward(self, x: Tensor) -> Any:
        """``x`` with the type."""
        return self.fields(x)


class Untyped(nn.Module):
    """escnn's tensor with a type -> the tensor."""

    def forward(self, x: Any) -> Tensor:
        """``x`` without the type."""
        tensor: Tensor = x.tensor
        return tensor


def for_inference(encoder: nn.Module) -> nn.Module:
    """``encoder`` in evaluation mode, escnn's convolutions and norms replaced by the torch layers they export."""
    for parent in list(encoder.eval().modules()):
        for name, child in parent.named_children():
            if type(child).__name__ in ("R2Conv", "IIDBatchNorm2d"):
                layer: Any = child
                exported = layer.export()
                for parameter in exported.parameters():
                    parameter.data = channels_last(parameter.data)
                setattr(parent, name, nn.Sequential(Untyped(), exported, Typed(layer.out_type)))
    return encoder


def _escnn() -> tuple[Any, Any]:
    """escnn.nn and escnn.gspaces; a function for SO(3) that cannot be built everywhere is replaced by None."""
    try:
        importlib.import_module("lie_learn.representations.SO3.wigner_d")
    except ImportError:
        names = ["lie_learn", "lie_learn.representations", "lie_learn.representations.SO3"]
        unused = ModuleType(f"{names[-1]}.wigner_d")
        unused.__dict__["wigner_D_matrix"] = None
        sys.modules.update({name: ModuleType(name) for name in names} | {unused.__name__: unused})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # py3nj is for SO(3) as well
        return importlib.import_module("escnn.nn"), importlib.import_module("escnn.gspaces")


def channels_last(x: Tensor) -> Tensor:
    """``x`` with channels last in memory, if it has four dimensions."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


# Equivariance


def synthetic_views(size_px: int, cells: int) -> Tensor:
    """Segmented granulocytes without background, at angle 0 and rotated: (1 + angles, cells, 3, size, size)."""
    random = np.random.default_rng(0)
    stock = [sample_cell("segmented granulocyte", random) for _ in range(cells)]
    views = [
        [
            draw(c, size_px, rotation_rad=math.radians(a), noise=False).image - np.array(c.slide.background)
            for c in stock
        ]
        for a in (0, *ANGLES_DEG)
    ]
    images = torch.tensor(np.array(views, np.float32)).movedim(-1, 2)
    return keep_disc(images.flatten(0, 1), 0.0, 1.0).view_as(images)


@torch.no_grad()
def equivariance_error(encoder: nn.Module, views: Tensor) -> float:
    """||f(Rx) - f(x)|| divided by the spread of f between inputs, of the calibrated encoder; ``views``: from
    ``synthetic_views``.
    """
    modules: Iterable[Any] = encoder.train().modules()
    for module in modules:
        if hasattr(module, "momentum"):
            module.momentum = 1.0  # one pass in training mode sets the running statistics to those of the batch
    encoder(channels_last(views[0]))
    encoder.eval()
    at_zero, *moved = (encoder(channels_last(view)) for view in views)
    return movement_over_spread(torch.cat([features - at_zero for features in moved]), at_zero)


# Time and memory


@dataclass(frozen=True)
class Measured:
    """Seconds of every round by name, and memory of a training step in bytes."""

    training: list[dict[str, float]]
    inference: list[dict[str, float]]
    memory: dict[str, int]

    @classmethod
    def of(
        cls, encoders: dict[str, nn.Module], images: Tensor, rounds: int, context: Context = nullcontext
    ) -> "Measured":
        """Measure ``rounds`` rounds, after two warm-up rounds."""
        steps = {
            name: partial(training_step, encoder, adam(encoder), images, context) for name, encoder in encoders.items()
        }
        for encoder in encoders.values():
            encoder.train()
        training = timed(steps, rounds, images.device)
        memory = {name: step_memory(step, images.device) for name, step in steps.items()}
        in_evaluation = {name: for_inference(e) if name == "escnn tuned" else e.eval() for name, e in encoders.items()}
        passes = {name: partial(inference, encoder, images, context) for name, encoder in in_evaluation.items()}
        return cls(training, timed(passes, rounds, images.device), memory)


def compiled(images: Tensor, rounds: int) -> Measured:
    """Measure the plain and the harmonic encoder in bf16 after ``torch.compile``."""
    torch.compiler.reset()  # the number of compilations is limited, and another size would trigger dynamic shapes
    encoders = {name: encoder for name, encoder in built(images.device).items() if name in ("plain", "harmonic")}
    for encoder in encoders.values():
        encoder.compile()
    return Measured.of(encoders, images, rounds, partial(torch.autocast, images.device.type, torch.bfloat16))


def rates(measured: Measured, size_px: int, batch: int) -> Iterable[str]:
    """A line for each encoder: images per second."""
    for name in measured.memory:
        steps, passes = (
            batch / statistics.median(row[name] for row in rows) for rows in (measured.training, measured.inference)
        )
        yield f"{name:12s}{size_px:5d}{steps:12,.0f}{passes:12,.0f}"


def adam(encoder: nn.Module) -> torch.optim.Optimizer:
    """Adam, in one kernel for all parameters on a GPU."""
    return torch.optim.Adam(encoder.parameters(), fused=next(encoder.parameters()).is_cuda)


def training_step(encoder: nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, context: Context) -> None:
    """Forward, backward and a step of the optimiser."""
    optimiser.zero_grad()
    with context():
        loss = encoder(images).float().square().mean()
    loss.backward()
    optimiser.step()


def inference(encoder: nn.Module, images: Tensor, context: Context) -> None:
    """Forward, with filters built at the first call; if compiled, "harmonic" builds them in every call."""
    with torch.inference_mode(), context():
        encoder(images)


def timed(calls: Mapping[str, Callable[[], None]], rounds: int, device: torch.device) -> list[dict[str, float]]:
    """Seconds of each call in each round, all calls one after the other in a round."""
    seconds = []
    for _ in range(rounds + 2):
        row = {}
        for name, call in calls.items():
            start = now(device)
            call()
            row[name] = now(device) - start
        seconds.append(row)
    return seconds[2:]


def now(device: torch.device) -> float:
    """Time in seconds, after the device has finished all pending work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def step_memory(step: Callable[[], None], device: torch.device) -> int:
    """Memory of a step in bytes: the peak on a GPU; else the storages kept for the backward pass, each counted once."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        step()
        return torch.cuda.max_memory_allocated(device)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    return sum(kept.values())


# The table


def report(measured: Measured, errors: dict[str, float]) -> None:
    """Print the figures of each encoder and the ratios with their targets."""
    print(f"{'':12s}{'training':>12s}{'inference':>12s}{'memory':>12s}{'equivariance error':>21s}")
    for name, bytes_ in measured.memory.items():
        step, forward = (statistics.median(s[name] for s in rows) for rows in (measured.training, measured.inference))
        print(f"{name:12s}{1e3 * step:9.1f} ms{1e3 * forward:9.1f} ms{bytes_ / 2**20:8.1f} MiB{errors[name]:21.1%}")
    for above, below, targets in TARGETS:
        if {above, below} <= measured.memory.keys():
            memory = measured.memory[above] / measured.memory[below]
            print(f"{above} / {below}: memory {memory:.2f}, target: {targets[2]}")
            for part, rows, target in zip(
                ("training", "inference"), (measured.training, measured.inference), targets[:2], strict=True
            ):
                print(f"  {part:10s}{ratio(rows, above, below):30s} target: {target}")


TARGETS = (
    ("harmonic", "plain", ("at most 1.15", "at most 1.10", "at most 1.2")),
    ("escnn", "harmonic", ("none", "none", "none")),
    ("escnn tuned", "harmonic", ("at least 2", "at least 1.6", "none")),
)


def ratio(rows: Iterable[dict[str, float]], above: str, below: str) -> str:
    """The median of the rounds' ratios, and the smallest and the largest."""
    ratios = [row[above] / row[below] for row in rows]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


# Where the time goes


def profiled(images: Tensor, steps: int) -> Iterable[str]:
    """Lines of a table: milliseconds of each part of a training step of the harmonic encoder, and their shares."""
    torch.manual_seed(0)
    encoder = harmonic().train()
    optimiser = adam(encoder)
    with _named("filters", HarmonicConv2d, "weight"), _named("pooling", AveragePool2d, "forward"):
        training_step(encoder, optimiser, images, nullcontext)
        with torch.profiler.profile() as profile:
            for _ in range(steps):
                training_step(encoder, optimiser, images, nullcontext)
    events = {event.key: event.cpu_time_total / 1e3 / steps for event in profile.key_averages()}
    node = "autograd::engine::evaluate_function: "
    whole = sum(event.self_cpu_time_total for event in profile.key_averages()) / 1e3 / steps
    backward = {key: time for key, time in events.items() if key.startswith(node)}
    gates = sum(time for key, time in backward.items() if "_Normed" in key)
    convolutions = events[f"{node}ConvolutionBackward0"]
    parts = {
        "convolutions, forward": events["aten::conv2d"] - events["pooling"],
        "convolutions and pooling, backward": convolutions,
        "norms and non-linearities, forward": events["_NormedGated"] + events["_Normed"],
        "norms and non-linearities, backward": gates,
        "building the filters, forward": events["filters"],
        "building the filters, read-out and loss, backward": sum(backward.values()) - gates - convolutions,
        "pooling, forward": events["pooling"],
        "optimiser": events["Optimizer.step#Adam.step"],
    }
    parts["other"] = whole - sum(parts.values())
    yield "| part of a step | ms | share |"
    yield "|---|---|---|"
    for name, time_ms in parts.items():
        yield f"| {name} | {time_ms:.1f} | {time_ms / whole:.0%} |"


@contextmanager
def _named(name: str, kind: type[nn.Module], method: str) -> Iterator[None]:
    """In the profile, the method of a class has this name."""
    own = getattr(kind, method)

    def labelled(*arguments: Any) -> Any:
        with torch.profiler.record_function(name):
            return own(*arguments)

    setattr(kind, method, labelled)
    try:
        yield
    finally:
        setattr(kind, method, own)


if __name__ == "__main__":
    main()
