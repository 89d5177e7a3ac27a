"""The two figures of docs/harmonic.md: sampled filters of the layer, and responses that rotate with a synthetic cell.

python scripts/harmonic_pictures.py --out docs

Everything is computed by the library, with fixed seeds. Prints the measured and the expected rotation of the arrows.
"""

import argparse
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray
from PIL import Image

from orbicyte.geometry import keep_disc
from orbicyte.harmonic import Fields, HarmonicConv2d, Rings
from orbicyte.reporting.drawing import INK, RULE, WIDTH_IN, look
from orbicyte.synthetic import draw, sample_cell

Floats = NDArray[np.floating]
Complexes = NDArray[np.complexfloating]

DPI, COLOURS = 140, 96
ACCENT, PLAIN = "#c8102e", "#2b5c8a"

FREQUENCIES = (0, 1, 2)
KERNEL_PX, LARGER_KERNEL_PX = 5, 7
BETA_DEG = 60
OUTERMOST = -0.8
"""R of the whole filters on the outermost ring; 1 on the others."""

CELL_TYPE, CELL_SEED, LAYER_SEED = "band granulocyte", 1, 0
SIZE_PX, MPP = 64, 0.2
EXTENT = (-SIZE_PX / 2, SIZE_PX / 2, -SIZE_PX / 2, SIZE_PX / 2)
ANGLES_DEG = range(0, 360, 45)
ORDERS = (1, 2)
POSITIONS, APART_PX, ARROW_PX = 8, 12.0, 15.0
WINDOW_PX = 1.0
"""A response at a position of the cell, between pixels, is a mean with Gaussian weights of this standard deviation."""
MAGNITUDE = LinearSegmentedColormap.from_list("magnitude", ["#ffffff", "#cdc5b3", "#958b73"])


@dataclass(frozen=True)
class Sheet:
    """A figure with square panels, placed in inches from its upper left corner."""

    figure: Figure

    @classmethod
    def of(cls, height_in: float) -> "Sheet":
        """An empty figure with the width of the report."""
        return cls(Figure(figsize=(WIDTH_IN, height_in)))

    def panel(self, left_in: float, top_in: float, side_in: float) -> Axes:
        """An empty square panel without ticks."""
        width, height = self.figure.get_size_inches()
        box = (left_in / width, 1 - (top_in + side_in) / height, side_in / width, side_in / height)
        axes = self.figure.add_axes(box)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color("#bbbbbb")
        return axes

    def text(self, left_in: float, top_in: float, words: str, size: float = 11, align: str = "left") -> None:
        """Add text, vertically centred at ``top_in``."""
        width, height = self.figure.get_size_inches()
        self.figure.text(left_in / width, 1 - top_in / height, words, size=size, ha=align, va="center")

    def save(self, path: Path) -> None:
        """Save as PNG with few colours, small enough for a repository."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DPI)
        Image.open(buffer).convert("RGB").quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def layer_filters(kernel_px: int) -> Complexes:
    """The filters of a layer from one image to one field of each order, with R and beta set by hand."""
    layer = HarmonicConv2d("1x0", Fields.of(dict.fromkeys(FREQUENCIES, 1)), kernel_px)
    radii = [radius for m in FREQUENCIES for radius in layer.rings.radii(m)]
    with torch.no_grad():
        layer.profile.copy_(torch.tensor([OUTERMOST if radius == kernel_px // 2 else 1.0 for radius in radii]))
        layer.phase.fill_(math.radians(BETA_DEG))
        real, imaginary = layer.weight()[:, 0].chunk(2)
        filters: Complexes = torch.complex(real, imaginary).numpy()
    return filters


def filter_sheet() -> Sheet:
    """Rows: frequencies. Columns: the rings of one kernel, then whole filters of two; real and imaginary part each."""
    rings, kernels = Rings(KERNEL_PX), (KERNEL_PX, LARGER_KERNEL_PX)
    side, gap, first, top, pitch = 0.8, 0.06, 0.66, 1.08, 0.95
    group = 2 * side + gap + 0.16
    lefts = [first + i * group for i in range(KERNEL_PX // 2 + 1)]
    wholes = [lefts[-1] + group + 0.28 + i * group for i in range(2)]
    middle = side + gap / 2
    sheet = Sheet.of(top + pitch * len(FREQUENCIES))
    sheet.text(first, 0.2, f"Rings of a {KERNEL_PX} px kernel: fixed", 12)
    sheet.text(wholes[0], 0.2, "Filters: R and β are learned", 12)
    names = [f"radius {radius}" for radius in range(len(lefts))] + [f"{k} px, β = {BETA_DEG}°" for k in kernels]
    for left, name in zip([*lefts, *wholes], names, strict=True):
        sheet.text(left + middle, 0.6, name, align="center")
        for i, part in enumerate(("real", "imaginary")):
            sheet.text(left + i * (side + gap) + side / 2, 0.89, part, 9, "center")
    for row, m in enumerate(FREQUENCIES):
        y = top + row * pitch
        sheet.text(0.06, y + side / 2, f"m = {m}", 12)
        bases = dict(zip(rings.radii(m), rings.basis(m).numpy(), strict=True))
        for radius, left in enumerate(lefts):
            if radius in bases:
                signed_pair(sheet, left, y, side, gap, bases[radius])
            else:
                sheet.text(left + middle, y + side / 2, "no direction\nin one pixel", 9, "center")
        for left, kernel_px in zip(wholes, kernels, strict=True):
            signed_pair(sheet, left, y, side, gap, layer_filters(kernel_px)[row])
    return sheet


def signed_pair(sheet: Sheet, left_in: float, top_in: float, side_in: float, gap_in: float, values: Complexes) -> None:
    """Real and imaginary part on one signed scale: blue below 0, white at 0, red above."""
    limit = float(np.abs(values).max())
    for i, part in enumerate((values.real, values.imag)):
        axes = sheet.panel(left_in + i * (side_in + gap_in), top_in, side_in)
        axes.imshow(part, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")


def rotated_cells() -> tuple[Floats, Complexes]:
    """A synthetic cell at every angle, (angles, S, S, 3), and an untrained layer's response, (angles, orders, S, S)."""
    cell = replace(sample_cell(CELL_TYPE, np.random.default_rng(CELL_SEED)), neighbours=())
    angles = [math.radians(angle) for angle in ANGLES_DEG]
    images = np.stack([draw(cell, SIZE_PX, MPP, angle, noise=False).image for angle in angles])
    shown = keep_disc(torch.from_numpy(images).permute(0, 3, 1, 2), torch.tensor(cell.slide.background))
    torch.manual_seed(LAYER_SEED)
    layer = HarmonicConv2d("3x0", Fields.of(dict.fromkeys(ORDERS, 1)), KERNEL_PX)
    with torch.no_grad():
        # The background is 0, as the padding is.
        real, imaginary = layer(shown - torch.tensor(cell.slide.background).view(1, 3, 1, 1)).chunk(2, 1)
    return shown.permute(0, 2, 3, 1).numpy(), torch.complex(real, imaginary).numpy()


def strongest_positions(response: Complexes) -> Complexes:
    """Positions x + iy in pixels from the centre, y upwards, strongest first, with a minimum distance: (POSITIONS,)."""
    axis = np.arange(SIZE_PX) - (SIZE_PX - 1) / 2
    pixels = (axis[None, :] - 1j * axis[:, None]).ravel()
    strength = np.abs(response).ravel().copy()
    chosen: list[complex] = []
    while len(chosen) < POSITIONS:
        chosen.append(complex(pixels[strength.argmax()]))
        strength[np.abs(pixels - chosen[-1]) < APART_PX] = 0
    return np.array(chosen)


def response_at(response: Complexes, positions: Complexes) -> Complexes:
    """Weighted means of a response (S, S) around each of ``positions`` (N,): (N,)."""
    axis = np.arange(SIZE_PX) - (SIZE_PX - 1) / 2
    along_x = np.exp(-0.5 * ((axis - positions.real[:, None]) / WINDOW_PX) ** 2)
    along_y = np.exp(-0.5 * ((-axis - positions.imag[:, None]) / WINDOW_PX) ** 2)
    read = np.einsum("py,yx,px->p", along_y, response, along_x) / along_x.sum(1) / along_y.sum(1)
    return np.asarray(read)


def response_sheet() -> Sheet:
    """Columns: angles. Rows: the cell; for each order the response with arrows, and a dial of one of the arrows."""
    shown, responses = rotated_cells()
    side, gap, first, top, dial, pitch = 1.04, 0.05, 1.16, 0.36, 0.62, 2.12
    sheet = Sheet.of(top + side + 0.16 + pitch * len(ORDERS))
    lefts = [first + i * (side + gap) for i in range(len(ANGLES_DEG))]
    sheet.text(0.06, 0.17, "rotated by φ")
    sheet.text(0.06, top + side / 2, "the cell,\nrotated")
    for left, angle, image in zip(lefts, ANGLES_DEG, shown, strict=True):
        sheet.text(left + side / 2, 0.17, f"{angle}°", align="center")
        sheet.panel(left, top, side).imshow(image, extent=EXTENT)
    phases = np.exp(1j * np.radians(np.array(ANGLES_DEG)))
    for row, order in enumerate(ORDERS):
        y = top + side + 0.16 + row * pitch
        positions = strongest_positions(responses[0, row])[None] * phases[:, None]
        read = np.stack([response_at(response[row], at) for response, at in zip(responses, positions, strict=True)])
        off_deg = np.degrees(np.angle(read / (read[0] * phases[:, None] ** order)))
        sheet.text(0.06, y + side / 2, f"order {order}:\narrows rotate\n{'once' if order == 1 else 'twice'}")
        sheet.text(0.06, y + side + 0.09 + dial / 2, "red arrow")
        sheet.text(0.06, y + side + dial + 0.22, "rotated by (mφ)", 9)
        limit = np.abs(responses[:, row]).max()
        for i, (left, angle) in enumerate(zip(lefts, ANGLES_DEG, strict=True)):
            axes = sheet.panel(left, y, side)
            axes.imshow(np.abs(responses[i, row]), cmap=MAGNITUDE, vmin=0, vmax=limit, extent=EXTENT)
            arrows(axes, positions[i], read[i])
            hand = sheet.panel(left + (side - dial) / 2, y + side + 0.09, dial)
            plot_dial(hand, read[i, 0], read[0, 0] * phases[i] ** order)
            measured = order * angle + off_deg[i, 0]  # multiples of 360° cannot be measured
            sheet.text(left + side / 2, y + side + dial + 0.22, f"{measured:.1f}° ({order * angle}°)", 9, "center")
            print(
                f"order {order}, cell rotated by {angle}°: the red arrow by {measured:.1f}°, expected {order * angle}°"
            )
        print(
            f"order {order}: of all {POSITIONS} arrows at all angles, the largest error is {np.abs(off_deg).max():.1f}°"
        )
    return sheet


def arrows(axes: Axes, positions: Complexes, values: Complexes) -> None:
    """An arrow of fixed length through each position in the direction of its value; the first in another colour."""
    steps = ARROW_PX * values / np.abs(values)
    tails = positions - steps / 2
    axes.quiver(
        tails.real,
        tails.imag,
        steps.real,
        steps.imag,
        color=[ACCENT] + [PLAIN] * (len(positions) - 1),
        angles="xy",
        scale_units="xy",
        scale=1,
        units="width",
        width=0.026,
        headwidth=4,
        headlength=4,
        headaxislength=3.6,
    )


def plot_dial(axes: Axes, value: complex, expected: complex) -> None:
    """A hand in the direction of ``value`` and, on the rim, a mark where it is expected."""
    axes.set_axis_off()
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25))
    axes.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=RULE, linewidth=1.5))
    mark, hand = expected / abs(expected), value / abs(value)
    axes.plot([0.85 * mark.real, 1.2 * mark.real], [0.85 * mark.imag, 1.2 * mark.imag], color=INK, linewidth=2)
    axes.annotate(
        "",
        (0.9 * hand.real, 0.9 * hand.imag),
        (-0.3 * hand.real, -0.3 * hand.imag),
        arrowprops={"arrowstyle": "-|>", "color": ACCENT, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0},
    )


def main() -> None:
    """Make both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="the folder for the figures")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with look():
        filter_sheet().save(out / "harmonic_filters.png")
        response_sheet().save(out / "harmonic_responses.png")


if __name__ == "__main__":
    main()
