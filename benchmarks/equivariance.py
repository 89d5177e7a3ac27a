"""How far representations move when a cell is turned, over how far cells of one type lie apart.

    python benchmarks/equivariance.py details      the encoder of orders 0, 1, 2 at initialisation, each detail changed
    python benchmarks/equivariance.py networks --drawn demo/study --real STUDY
                                                   the networks' encoders at initialisation and, where studies with
                                                   trained runs are named, after training; on drawn and on real cells

The figure is sqrt(mean ||f(Rx) - f(x)||²) / sqrt(mean ||f(x) - mean f||²), over turns by 15, 30, ... 345 degrees; the
spread is over the cells of one type. 0 is perfect; a representation that takes every turn for another cell has 1.41.
f is the encoder's output, without the pose before it: the layers alone. For equ_hnet also ||z(Rx) - e^{2 i phi} z(x)||
over the spread of z, the means of its fields before the read-out.

Drawn cells are drawn turned, so nothing is interpolated; real ones (cells with labels) are turned as training turns
them, at the stored resolution, bilinearly, then scaled. The disc is kept and the background is 0. At initialisation,
batch norms have seen the unturned cells once.
"""

import argparse
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.data.patches import PatchStore
from orbicyte.data.synthetic import TYPES, draw, sample_cell
from orbicyte.embedding import load
from orbicyte.harmonic import AveragePool2d, HarmonicBatchNorm2d, Rings
from orbicyte.harmonic.equivariance import ANGLES_DEG, movement_over_spread
from orbicyte.models.encoders import ResidualEncoder
from orbicyte.models.harmonic_encoder import SEVERAL_ORDERS, HarmonicEncoder
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.study import Study
from orbicyte.training.run_folder import load_variant

SIZE_PX = 64
Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Cells:
    """Cells of one type, unturned (N, 3, S, S) and at each of ``ANGLES_DEG`` (A, N, 3, S, S); background 0."""

    upright: Tensor
    turned: Tensor


def drawn_cells(count: int, seed: int) -> list[Cells]:
    """``count`` drawn cells of each type, each on a slide of its own, drawn turned, without the sensor's noise."""
    found = []
    rim = geometry.disc(SIZE_PX) & ~geometry.disc(SIZE_PX, 2 * geometry.RIM_PX)
    for number, kind in enumerate(TYPES):
        rng = np.random.default_rng((seed, number))
        cells = [sample_cell(kind, rng) for _ in range(count)]
        views = [
            np.stack([draw(cell, SIZE_PX, turn_rad=math.radians(angle), noise=False).image for cell in cells])
            for angle in (0, *ANGLES_DEG)
        ]
        found.append(torch.from_numpy(np.stack(views)).float().permute(0, 1, 4, 2, 3))
    # What is 0 is what the patch store takes for the colour outside: the mean of all cells' rims.
    colour = torch.stack([views[0, :, :, rim].mean((0, 2)) for views in found]).mean(0)
    return [_on_zero(views, colour) for views in found]


def _on_zero(views: Tensor, colour: Tensor) -> Cells:
    discs = [geometry.keep_disc(view - colour.view(1, 3, 1, 1), 0.0, geometry.RIM_PX) for view in views]
    return Cells(discs[0], torch.stack(discs[1:]))


def stored_cells(run: Path, count: int) -> list[Cells]:
    """``count`` labelled cells of each type of the run's study, turned as training turns them."""
    embedder = load(run)
    store, view = PatchStore.open(run.parent.parent / "patches"), embedder.view
    labels = store.cells["label"]
    fill = torch.tensor(view.fill_rgb).view(1, 3, 1, 1)
    found = []
    for kind in sorted(labels.dropna().unique()):
        rows = np.flatnonzero(labels == kind)[:count]
        images = torch.from_numpy(np.array(store.images[rows]))
        turns = [torch.full((len(rows),), math.radians(angle)) for angle in ANGLES_DEG]
        upright, *turned = (view(images, turn) - fill for turn in (None, *turns))
        found.append(Cells(upright, torch.stack(turned)))
    return found


def moved(features: Features, cells: Cells, order: Callable[[Tensor, float], Tensor] = lambda f, angle: f) -> float:
    """Root mean square over the angles; ``order`` says what a turn by an angle in radians does to the features."""
    with torch.no_grad():
        upright = features(cells.upright)
        squares = [
            movement_over_spread(features(x) - order(upright, math.radians(angle)), upright) ** 2
            for x, angle in zip(cells.turned, ANGLES_DEG, strict=True)
        ]
    return math.sqrt(statistics.mean(squares))


def at_start(make: Callable[[], nn.Module], cells: list[Cells], seed: int) -> nn.Module:
    """A network of weights from ``seed``, its batch norms set by the unturned cells."""
    torch.manual_seed(seed)
    network = make().train()
    norms = [m for m in network.modules() if isinstance(m, HarmonicBatchNorm2d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network(torch.cat([group.upright for group in cells]))
    return network.eval()


def told(values: list[float]) -> str:
    """Mean, smallest and largest, in per cent."""
    return f"{100 * statistics.mean(values):.1f} ({100 * min(values):.1f} to {100 * max(values):.1f})"


def over_seeds(make: Callable[[], nn.Module], cells: list[Cells], seeds: int) -> str:
    """One value a type and seed."""
    return told([moved(at_start(make, cells, seed), group) for seed in range(seeds) for group in cells])


def representation_over_seeds(make: Callable[[], nn.Module], cells: list[Cells], seeds: int) -> str:
    """The same for the fields before the read-out, which turn by their order."""
    networks = [at_start(make, cells, seed) for seed in range(seeds)]
    return told([_representation_moved(network, group) for network in networks for group in cells])


def _representation_moved(network: nn.Module, group: Cells) -> float:
    assert isinstance(network, HarmonicEncoder)
    return moved(network.representation, group, network.fields.phased)


class Swapped(nn.Module):
    """The encoder with other pooling: a module in place of every ``AveragePool2d``."""

    def __init__(self, pool: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.encoder = HarmonicEncoder(NetworkSettings())
        for name, layer in self.encoder.layers.named_children():
            if isinstance(layer, AveragePool2d):
                setattr(self.encoder.layers, name, pool())

    def forward(self, x: Tensor) -> Tensor:
        """The encoder's features."""
        features: Tensor = self.encoder(x)
        return features


class Stride(nn.Module):
    """Every second pixel of every second row."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, C, S / 2, S / 2)."""
        return x[..., ::2, ::2]


class OddBlur(nn.Module):
    """1 2 1 each way, then every second pixel: the place of the centre moves by half a pixel."""

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


def with_rings(rings: Rings) -> Callable[[], nn.Module]:
    """The encoder with other filters."""
    return lambda: HarmonicEncoder(NetworkSettings(), rings=rings)


DETAILS: dict[str, Callable[[], nn.Module]] = {
    "as shipped: orders 0, 1, 2, k = 5": lambda: HarmonicEncoder(NetworkSettings()),
    "outermost ring: frequencies up to 1 only": with_rings(Rings(5, outer_frequency=1)),
    "rings half as wide (0.3 and 0.2 px)": with_rings(Rings(5, width_px=0.3, outer_width_px=0.2)),
    "outermost ring as wide as the others (0.6 px)": with_rings(Rings(5, outer_width_px=0.6)),
    "k = 3": with_rings(Rings(3)),
    "k = 7": with_rings(Rings(7)),
    "pooling: mean of 2 x 2": lambda: Swapped(lambda: AveragePool2d(2)),
    "pooling: 1 2 1 at stride 2": lambda: Swapped(OddBlur),
    "pooling: stride 2 alone": lambda: Swapped(Stride),
    "pooling: maximum of 2 x 2": lambda: Swapped(lambda: nn.MaxPool2d(2)),
    "magnitudes after the mean over the map": lambda: MeansFirst(NetworkSettings()),
    "orders in shares 2 : 1 : 1, not 4 : 2 : 1": lambda: HarmonicEncoder(NetworkSettings(), {0: 2, 1: 1, 2: 1}),
    "as many fields of each order": lambda: HarmonicEncoder(NetworkSettings(), {0: 1, 1: 1, 2: 1}),
    "orders 0 and 1 only": lambda: HarmonicEncoder(NetworkSettings(), {0: 2, 1: 1}),
    "a plain encoder": lambda: ResidualEncoder(NetworkSettings()),
}


def details(cells: list[Cells], seeds: int) -> Iterator[str]:
    """What each detail buys, as a table."""
    yield "| the encoder | movement / spread, % |"
    yield "|---|---|"
    for name, make in DETAILS.items():
        yield f"| {name} | {over_seeds(make, cells, seeds)} |"


def networks(cells: list[Cells], seeds: int, drawn: Path | None, real: Path | None, count: int) -> Iterator[str]:
    """The networks' encoders at initialisation and after training, as a table."""
    yield "| encoder | drawn cells, initialisation | drawn, trained | real cells, initialisation | real, trained |"
    yield "|---|---|---|---|---|"
    real_cells = stored_cells(Study.open(real).runs()[0], count) if real else []
    for title, name, network in (
        ("orders 0, 1, 2", None, NetworkSettings()),
        ("inv_hnet", "inv_hnet", NetworkSettings()),
        ("equ_hnet", "equ_hnet", NetworkSettings()),
        ("equ_hnet, k = 7", "equ_hnet", NetworkSettings(harmonic_kernel_px=7)),
        ("equ_hnet, branches (0, 0)", "equ_hnet", NetworkSettings(harmonic_branch="zero")),
        ("plain (only_stn's)", "only_stn", NetworkSettings()),
    ):
        shipped = network == NetworkSettings()
        make = maker(name, network)
        row = [over_seeds(make, cells, seeds), after(name, drawn, cells, False) if shipped else "-"]
        row += [over_seeds(make, real_cells, seeds) if real_cells else "-"]
        row += [after(name, real, real_cells, False) if shipped else "-"]
        yield f"| {title} | {' | '.join(row)} |"
        if name == "equ_hnet":
            row = [representation_over_seeds(make, cells, seeds), after(name, drawn, cells, True) if shipped else "-"]
            row += [representation_over_seeds(make, real_cells, seeds) if real_cells else "-"]
            row += [after(name, real, real_cells, True) if shipped else "-"]
            yield f"| {title}: z(Rx) - e^{{2 i phi}} z(x) | {' | '.join(row)} |"


def maker(name: str | None, network: NetworkSettings) -> Callable[[], nn.Module]:
    """The encoder of a variant, or the one of several orders."""
    if name is None:
        return lambda: HarmonicEncoder(network, SEVERAL_ORDERS)
    return lambda: load_variant(name, Settings(network=network), 0.5).encoder(network)


def after(name: str | None, study: Path | None, cells: list[Cells], of_fields: bool) -> str:
    """The encoder of the study's trained run, one value a type."""
    runs = [run for run in Study.open(study).runs() if run.name.startswith(f"{name}-")] if study and name else []
    if not runs:
        return "-"
    encoder = load(runs[0]).network.encoder
    return told([_representation_moved(encoder, group) if of_fields else moved(encoder, group) for group in cells])


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["networks", "details"])
    parser.add_argument("--drawn", type=Path, help="study of drawn cells with trained runs")
    parser.add_argument("--real", type=Path, help="study of real cells with trained runs")
    parser.add_argument("--cells", type=int, default=8, help="cells of each type")
    parser.add_argument("--seeds", type=int, default=3, help="of the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums differ by the number of threads
    cells = drawn_cells(options.cells, 0)
    if options.table == "details":
        lines = details(cells, options.seeds)
    else:
        lines = networks(cells, options.seeds, options.drawn, options.real, options.cells)
    for line in lines:
        print(line, flush=True)
    print(
        f"\nMovement / spread in per cent: mean (smallest to largest) over {len(TYPES)} types of {options.cells} drawn "
        f"cells each, or as many real ones of each type there is, and over {options.seeds} seeds of the weights "
        f"(trained: one run)."
    )


if __name__ == "__main__":
    main()
