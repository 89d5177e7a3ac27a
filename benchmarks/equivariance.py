"""Movement of representations when a cell is rotated, over their spread between cells of one type.

    python benchmarks/equivariance.py details      the encoder of orders 0, 1, 2 at initialisation, each detail changed
    python benchmarks/equivariance.py order-2      the encoder of equ_hnet at initialisation, each choice changed
    python benchmarks/equivariance.py precision    float32, bfloat16 and torch.compile, at initialisation
    python benchmarks/equivariance.py networks --synthetic demo/study --real STUDY
                                                   the networks' encoders at initialisation and, if studies with
                                                   trained runs are given, after training; on synthetic and on real
                                                   cells

The figure is sqrt(mean ||f(Rx) - f(x)||²) / sqrt(mean ||f(x) - mean f||²), over rotations by 15, 30, ... 345 degrees;
the spread is over the cells of one type. 0 is perfect; a representation that changes as much as between random cells
has 1.41. f is the encoder's output without the pose: the layers alone. For equ_hnet also ||z(Rx) - e^{2 i phi} z(x)||
over the spread of z, the means of its fields before the read-out.

Synthetic cells are rendered at each angle, without interpolation; real ones (cells with labels) are rotated as in
training: at the stored resolution, bilinearly, then scaled. Every encoder has the same input as in its network. At
initialisation, batch norms are calibrated on the cells at angle 0. Networks at initialisation have the settings of the
study's runs, if there is a study; the encoder of orders 0, 1, 2, which no network has yet, has the defaults.
"""

import argparse
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.cell_types import TYPES
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.embedding import load
from orbicyte.harmonic import AveragePool2d, HarmonicBatchNorm2d, Rings
from orbicyte.harmonic.equivariance import ANGLES_DEG, movement_over_spread
from orbicyte.models.encoders import ResidualEncoder
from orbicyte.models.harmonic_encoder import HarmonicEncoder
from orbicyte.models.vae import VAE, build
from orbicyte.models.variant import Part, Variant
from orbicyte.settings import NetworkSettings
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.synthetic import draw, sample_cell
from orbicyte.variants import equ_hnet, inv_hnet, only_stn

SIZE_PX = 64
WEIGHT = 0.5
NETWORKS = {"inv_hnet": inv_hnet.variant, "equ_hnet": equ_hnet.variant, "only_stn": only_stn.variant}


@dataclass(frozen=True)
class Cells:
    """Inputs of networks, cells of one type: at angle 0, (N, 3, S, S), and rotated by each of ``ANGLES_DEG``."""

    at_zero: Tensor
    rotated: list[Tensor]
    fill_rgb: tuple[float, ...]


def synthetic_cells(count: int) -> list[Cells]:
    """``count`` synthetic cells of each type, each on its own slide, at all angles, without the sensor's noise."""
    rim = geometry.disc(SIZE_PX) & ~geometry.disc(SIZE_PX, 2 * geometry.RIM_PX)
    groups = []
    for number in range(len(TYPES)):
        rng = np.random.default_rng((0, number))
        cells = [sample_cell(TYPES[number], rng) for _ in range(count)]
        views = [
            np.stack([draw(cell, SIZE_PX, rotation_rad=math.radians(angle), noise=False).image for cell in cells])
            for angle in (0, *ANGLES_DEG)
        ]
        groups.append(torch.from_numpy(np.stack(views)).float().permute(0, 1, 4, 2, 3))
    # As in the patch store: the colour outside is the mean of all cells' rims.
    fill = torch.stack([views[0][:, :, rim].mean((0, 2)) for views in groups]).mean(0)
    return [Cells(views[0], list(views[1:]), tuple(fill.tolist())) for views in groups]


def stored_cells(run: RunFolder, count: int) -> list[Cells]:
    """``count`` labelled cells of each type of the run's study, as inputs of its network."""
    store, view = PatchStore.open(run.path.parent.parent / "patches"), View(**vars(run.record().view))
    labels = store.cells["label"]
    found = []
    for kind in sorted(labels.dropna().unique()):
        rows = np.flatnonzero(labels == kind)[:count]
        images = torch.from_numpy(np.array(store.images[rows]))
        rotated = [view(images, torch.full((len(rows),), math.radians(angle))) for angle in ANGLES_DEG]
        found.append(Cells(view(images), rotated, view.fill_rgb))
    return found


def features(network: VAE, x: Tensor) -> Tensor:
    """The encoder's output for inputs, taken as aligned."""
    return network.features(network.view(x))


def moved(network: VAE, cells: Cells) -> float:
    """Movement of the encoder's output divided by its spread, root mean square over the angles."""
    return _moved(partial(features, network), cells, lambda f, angle: f)


def representation_moved(network: VAE, cells: Cells) -> float:
    """The same for the means of the fields, compared with those expected after the rotation."""
    encoder = network.encoder
    assert isinstance(encoder, HarmonicEncoder)
    return _moved(
        lambda x: encoder.representation(network.encoder_input(network.view(x))), cells, encoder.fields.phased
    )


@torch.no_grad()
def _moved(f: Callable[[Tensor], Tensor], cells: Cells, expected: Callable[[Tensor, float], Tensor]) -> float:
    at_zero = f(cells.at_zero)
    errors = [
        movement_over_spread(f(x) - expected(at_zero, math.radians(angle)), at_zero)
        for x, angle in zip(cells.rotated, ANGLES_DEG, strict=True)
    ]
    return math.sqrt(statistics.mean(error**2 for error in errors))


def at_start(variant: Variant, settings: NetworkSettings, cells: list[Cells], seed: int) -> VAE:
    """A network with weights from ``seed``, the encoder's batch norms calibrated on the cells at angle 0."""
    network = build(variant, settings, cells[0].fill_rgb, seed).train()
    for norm in network.encoder.modules():
        if isinstance(norm, HarmonicBatchNorm2d | nn.BatchNorm2d):
            norm.momentum = 1.0
    with torch.no_grad():
        features(network, torch.cat([group.at_zero for group in cells]))
    return network.eval()


def summary(values: list[float]) -> str:
    """Mean (smallest to largest), in per cent."""
    return f"{100 * statistics.mean(values):.1f} ({100 * min(values):.1f} to {100 * max(values):.1f})"


Measure = Callable[[VAE, Cells], float]
FORMER = dict(NetworkSettings.FORMER)
"""The settings of harmonic encoders in earlier versions."""


def started(
    variant: Variant, settings: NetworkSettings, cells: list[Cells], seeds: int, measure: Measure = moved
) -> str:
    """One value per type and seed, summarised."""
    networks = [at_start(variant, settings, cells, seed) for seed in range(seeds)]
    return summary([measure(network, group) for network in networks for group in cells])


# The effect of each detail


class Stride(nn.Module):
    """Every second pixel of every second row."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, C, S / 2, S / 2)."""
        return x[..., ::2, ::2]


class OddBlur(nn.Module):
    """1 2 1 along each axis, then every second pixel: the centre moves by half a pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, C, S / 2, S / 2)."""
        row = torch.tensor([0.25, 0.5, 0.25])
        kernel = torch.outer(row, row).expand(x.shape[1], 1, 3, 3)
        return nn.functional.conv2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


class MeansFirst(HarmonicEncoder):
    """Magnitudes of the means over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, out_features)."""
        return self.fields.magnitude(self.representation(x))


def with_settings(**changed: object) -> Part:
    """The encoder with other settings."""
    return lambda settings: HarmonicEncoder(settings.model_copy(update=changed))


def with_rings(rings: Rings) -> Part:
    """The encoder with other filters."""
    return partial(HarmonicEncoder, rings=rings)


def with_pooling(pool: Callable[[], nn.Module]) -> Part:
    """The encoder with another module in place of every ``AveragePool2d``."""

    def made(settings: NetworkSettings) -> nn.Module:
        encoder = HarmonicEncoder(settings)
        for name, layer in encoder.layers.named_children():
            if isinstance(layer, AveragePool2d):
                setattr(encoder.layers, name, pool())
        return encoder

    return made


DETAILS: dict[str, Part] = {
    "as shipped: orders 0, 1, 2, k = 5": HarmonicEncoder,
    "a sharp rim of the disc": with_settings(harmonic_fade=0.0),
    "ReLU of the magnitude, with its kink": with_settings(harmonic_gate="relu"),
    "both, as in earlier versions": with_settings(harmonic_fade=0.0, harmonic_gate="relu"),
    "outermost ring: frequencies up to 1 only": with_rings(Rings(5, outer_frequency=1)),
    "rings half as wide (0.3 and 0.2 px)": with_rings(Rings(5, width_px=0.3, outer_width_px=0.2)),
    "outermost ring as wide as the others (0.6 px)": with_rings(Rings(5, outer_width_px=0.6)),
    "k = 3": with_rings(Rings(3)),
    "k = 7": with_rings(Rings(7)),
    "k = 7, outermost ring: frequencies up to 1 only": with_rings(Rings(7, outer_frequency=1)),
    "pooling: mean of 2 x 2": with_pooling(lambda: AveragePool2d(2)),
    "pooling: 1 2 1 at stride 2": with_pooling(OddBlur),
    "pooling: stride 2 alone": with_pooling(Stride),
    "pooling: maximum of 2 x 2": with_pooling(lambda: nn.MaxPool2d(2)),
    "magnitudes after the mean over the map": MeansFirst,
    "orders in shares 2 : 1 : 1, not 4 : 2 : 1": partial(HarmonicEncoder, shares={0: 2, 1: 1, 2: 1}),
    "the same number of fields of each order": partial(HarmonicEncoder, shares={0: 1, 1: 1, 2: 1}),
    "orders 0 and 1 only": partial(HarmonicEncoder, shares={0: 2, 1: 1}),
}


def details(cells: list[Cells], seeds: int) -> Iterator[str]:
    """The effect of each detail, as a table."""
    settings = NetworkSettings()
    harmonic = inv_hnet.variant(settings, WEIGHT)
    yield "| the encoder | movement / spread, % |"
    yield "|---|---|"
    for name, encoder in DETAILS.items():
        yield f"| {name} | {started(replace(harmonic, encoder=encoder), settings, cells, seeds)} |"
    plain = replace(harmonic, encoder=ResidualEncoder, zero_background=False)
    yield f"| a plain encoder | {started(plain, settings, cells, seeds)} |"


ORDER_2: dict[str, dict[str, object]] = {
    "as shipped": {},
    "branches (+2, -2): inner fields of order 4": {"harmonic_branch": "opposite"},
    "ReLU of the magnitude, with its kink": {"harmonic_gate": "relu"},
    "first filters of 7 px": {"harmonic_first_px": 7},
    "first filters of 11 px": {"harmonic_first_px": 11},
    "no blur": {"harmonic_blur_px": 0.0},
    "blur of 2 px": {"harmonic_blur_px": 2.0},
    "a sharp rim of the disc": {"harmonic_fade": 0.0},
    "k = 7": {"harmonic_kernel_px": 7},
    "as in earlier versions": FORMER,
}


def order_2(cells: list[Cells], seeds: int) -> Iterator[str]:
    """The effect of each choice in equ_hnet, as a table."""
    yield "| the encoder of equ_hnet | features, % | z(Rx) - e^(2 i phi) z(x), % |"
    yield "|---|---|---|"
    for name, changed in ORDER_2.items():
        settings = NetworkSettings().model_copy(update=changed)
        variant = equ_hnet.variant(settings, WEIGHT)
        row = (started(variant, settings, cells, seeds, measure) for measure in (moved, representation_moved))
        yield f"| {name} | {' | '.join(row)} |"


def precision(cells: list[Cells], seeds: int) -> Iterator[str]:
    """The error of each encoder in float32, bfloat16 and compiled, as a table."""
    yield "| encoder | float32 | float32, compiled | bfloat16 autocast | bfloat16 autocast, compiled |"
    yield "|---|---|---|---|---|"
    settings = NetworkSettings()
    inv = inv_hnet.variant(settings, WEIGHT)
    variants = {
        "orders 0, 1, 2": replace(inv, encoder=HarmonicEncoder),
        "inv_hnet": inv,
        "equ_hnet": equ_hnet.variant(settings, WEIGHT),
    }
    for name, variant in variants.items():
        cases = [(bfloat16, compiled) for bfloat16 in (False, True) for compiled in (False, True)]
        row = [
            summary([error for seed in range(seeds) for error in in_precision(variant, settings, cells, seed, *case)])
            for case in cases
        ]
        yield f"| {name} | {' | '.join(row)} |"


def in_precision(
    variant: Variant, settings: NetworkSettings, cells: list[Cells], seed: int, bfloat16: bool, compiled: bool
) -> list[float]:
    """The error for each type of cells."""
    torch.compiler.reset()  # the number of compilations is limited
    network = at_start(variant, settings, cells, seed)
    if compiled:
        network.encoder.compile(dynamic=False)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        return [moved(network, group) for group in cells]


# The networks


@dataclass(frozen=True)
class Data:
    """Cells, and the trained runs of the networks on such cells, if any."""

    cells: list[Cells]
    runs: dict[str, RunFolder]

    @property
    def settings(self) -> NetworkSettings:
        """The settings of the runs; the defaults without runs."""
        return next((run.record().settings.network for run in self.runs.values()), NetworkSettings())


def trained(study: Path | None) -> dict[str, RunFolder]:
    """The study's first finished run of each network with the rotation loss's weight ``WEIGHT``."""
    folders = [RunFolder(path) for path in Study.open(study).runs()] if study else []
    found: dict[str, RunFolder] = {}
    for folder in folders:
        if folder.done() and folder.record().key.rotation_weight == WEIGHT:
            found.setdefault(folder.record().key.network, folder)
    return found


def networks(sets: list[Data], seeds: int) -> Iterator[str]:
    """The encoders at initialisation and after training, as a table; sets are synthetic cells, then real ones."""
    yield "| encoder | synthetic cells, initialisation | synthetic, trained | real, initialisation | real, trained |"
    yield "|---|---|---|---|---|"
    rows: list[tuple[str, str | None, dict[str, object]]] = [
        ("orders 0, 1, 2", None, {}),
        ("inv_hnet", "inv_hnet", {}),
        ("equ_hnet", "equ_hnet", {}),
        ("equ_hnet of earlier versions", "equ_hnet", FORMER),
        ("plain, of only_stn", "only_stn", {}),
    ]
    for title, name, changed in rows:
        yield f"| {title} | {' | '.join(_row(name, changed, sets, seeds, moved))} |"
        if name == "equ_hnet":
            row = _row(name, changed, sets, seeds, representation_moved)
            yield f"| {title}: z(Rx) - e^(2 i phi) z(x) | {' | '.join(row)} |"


def _row(name: str | None, changed: dict[str, object], sets: list[Data], seeds: int, measure: Measure) -> Iterator[str]:
    for data in sets:
        if not data.cells:
            yield from ("-", "-")
            continue
        settings = data.settings.model_copy(update=changed) if name else NetworkSettings()
        variant = NETWORKS[name or "inv_hnet"](settings, WEIGHT)
        variant = variant if name else replace(variant, encoder=HarmonicEncoder)
        yield started(variant, settings, data.cells, seeds, measure)
        run = data.runs.get(name or "") if not changed else None
        yield summary([measure(load(run.path).network, group) for group in data.cells]) if run else "-"


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["networks", "details", "order-2", "precision"])
    parser.add_argument("--synthetic", type=Path, help="study of synthetic cells with trained runs")
    parser.add_argument("--real", type=Path, help="study of real cells with trained runs")
    parser.add_argument("--cells", type=int, default=8, help="cells of each type")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds of the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums differ by the number of threads
    synthetic, real = trained(options.synthetic), trained(options.real)
    cells = synthetic_cells(options.cells)
    stored = stored_cells(next(iter(real.values())), options.cells) if real else []
    at_initialisation = {"details": details, "order-2": order_2, "precision": precision}
    if options.table in at_initialisation:
        lines = at_initialisation[options.table](cells, options.seeds)
    else:
        lines = networks([Data(cells, synthetic), Data(stored, real)], options.seeds)
    for line in lines:
        print(line, flush=True)
    print(
        f"\nMovement / spread in per cent: mean (smallest to largest) over types of {options.cells} cells each "
        f"(ten types of synthetic ones) and, at initialisation, over {options.seeds} seeds of the weights."
    )
    for where, runs in (("synthetic", synthetic), ("real", real)):
        if runs and options.table == "networks":
            record = next(iter(runs.values())).record()
            epochs = record.training.epochs if record.training else 0
            widths = ", ".join(map(str, record.settings.network.harmonic_widths))
            print(
                f"The runs on {where} cells: w = {WEIGHT}, trained on {record.data.train} cells, "
                f"{epochs} epochs, seed {record.seed}; {widths} harmonic channels."
            )


if __name__ == "__main__":
    main()
