"""A two-dimensional map of the representations, as points and as pictures of the cells."""

from collections.abc import Collection
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from orbicyte.cell_types import by_maturation
from orbicyte.errors import OrbicyteError
from orbicyte.reporting.confusion import file_part
from orbicyte.reporting.figures import new_figure
from orbicyte.reporting.inputs import ReportInputs, TrainedRun
from orbicyte.reporting.networks import Network
from orbicyte.reporting.palette import COLOURS
from orbicyte.reporting.pictures import thumbnail
from orbicyte.reporting.section import Illustration, Section
from orbicyte.study.scores import ADVICE

TILES = 11
"""Thumbnails along each side of the map."""

TILE_PX = 48

MARKS = "osD^vP*X<>"
UNLABELLED = "#8a8a8a"

LEAD = (
    "The map is a two-dimensional projection (t-SNE) of the representations: cells with similar representations are "
    "close together. Directions and large distances on the map have no meaning."
)
CAPTION = (
    "Left: one point per {kind}. Right: at each position of the same map, the nearest cell{ring}. A good map has "
    "{good}, and neighbours that look similar at any orientation. Neighbours that share only their "
    "orientation or only their background are a bad sign."
)


def section(inputs: ReportInputs, nothing: Collection[Network]) -> Section:
    """A map for each network at the weight nearest to 0.5; the first that did not learn ``nothing`` is shown."""
    runs = sorted(inputs.shown_runs(), key=lambda run: run.network in nothing)
    mapped = [(run, arrays) for run in runs if len((arrays := run.arrays()).get("map_xy", ()))]
    figures = [_figure(inputs, run, arrays) for run, arrays in mapped]
    title = "Map of the cells"
    if not figures:
        return Section("map", title, LEAD + " No map was made in this study.")
    return Section("map", title, LEAD, figures=figures[:1], more_title="The other networks' maps", more=figures[1:])


def _figure(inputs: ReportInputs, run: TrainedRun, arrays: dict[str, NDArray[Any]]) -> Illustration:
    xy, types = _spread(arrays["map_xy"]), arrays["map_types"].astype(str)
    labels = by_maturation(set(types.tolist()) - {""})
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(labels)} | {"": UNLABELLED}
    figure = new_figure(5.6 + 0.25 * len(labels) / 5)
    left, right = figure.subplots(1, 2)
    _points(left, xy, types, colour)
    cells = arrays["map_cells"]
    if len(cells) and not 0 <= cells.min() <= cells.max() < len(inputs.store):
        raise OrbicyteError(f"{run.folder.arrays} is damaged: it shows cells that {inputs.store.path} lacks; {ADVICE}")
    _thumbnails(right, inputs, xy, cells, [colour[name] for name in types])
    for axes in (left, right):
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")
        axes.spines[["top", "right"]].set_visible(True)
    if labels:
        figure.legend(
            *left.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(labels)), markerscale=1.5
        )
    caption = CAPTION.format(
        kind="labelled cell; colour and shape give its type" if labels else "test cell",
        ring=", with a ring in the colour of its type" if labels else "",
        good="separate regions of one colour" if labels else "gradual changes across the map",
    )
    title = f"Map of the cells: {run.network.label}"
    return Illustration.of(f"map-{file_part(run.network.name)}", title, caption, figure)


def _spread(xy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coordinates (M, 2) scaled to the unit square; points beyond the outer 0.5 % are put on its edge."""
    low, high = np.percentile(xy, [0.5, 99.5], axis=0)
    inside = (xy - low) / np.maximum(high - low, 1e-9)
    return np.asarray(np.clip(0.04 + 0.92 * inside, 0.01, 0.99))


def _points(axes: Axes, xy: NDArray[np.float64], types: NDArray[np.str_], colour: dict[str, str]) -> None:
    for i, name in enumerate(name for name in colour if (types == name).any()):
        points = xy[types == name]
        axes.scatter(
            points[:, 0], points[:, 1], s=24, marker=MARKS[i % len(MARKS)], color=colour[name], alpha=0.75,
            linewidths=0, label=name, rasterized=True,
        )  # fmt: skip
    labels = [name for name in colour if name and (types == name).any()]
    centres = np.array([np.median(xy[types == name], axis=0) for name in labels]).reshape(-1, 2)
    for name, (x, y) in zip(labels, _apart(centres), strict=True):
        axes.text(
            np.clip(x, 0.2, 0.8), y, name, ha="center", va="center", fontsize=8.5, fontweight="bold",
            color=colour[name], path_effects=[withStroke(linewidth=3.5, foreground="white")],
        )  # fmt: skip


def _apart(centres: NDArray[np.float64], gap: float = 0.05, reach: float = 0.3) -> NDArray[np.float64]:
    """Positions of labels (T, 2), moved up or down until no two are within ``gap`` vertically and ``reach`` across."""
    moved = centres.copy()
    for _ in range(100):
        x, y = moved[:, :1] - moved[:, 0], moved[:, 1:] - moved[:, 1]
        order = np.sign(y) + (y == 0) * np.sign(np.subtract.outer(np.arange(len(y)), np.arange(len(y))))
        clash = (np.abs(x) < reach) & (np.abs(y) < gap) & ~np.eye(len(y), dtype=bool)
        if not clash.any():
            break
        moved[:, 1] += 0.5 * (np.where(clash, gap - np.abs(y), 0) * order).sum(axis=1)
        moved[:, 1] = np.clip(moved[:, 1], 0.03, 0.97)
    return moved


def _thumbnails(
    axes: Axes, inputs: ReportInputs, xy: NDArray[np.float64], cells: NDArray[np.int64], ring: list[str]
) -> None:
    """One picture composed of all thumbnails, so that the figure stays small."""
    sheet = np.full((TILES * TILE_PX, TILES * TILE_PX, 3), 255, np.uint8)
    centres = (np.arange(TILES) + 0.5) / TILES
    for row, y in enumerate(centres[::-1]):
        for column, x in enumerate(centres):
            nearest = int(np.argmin(((xy - (x, y)) ** 2).sum(axis=1)))
            if np.abs(xy[nearest] - (x, y)).max() <= 0.5 / TILES:
                top, left = row * TILE_PX, column * TILE_PX
                tile = thumbnail(inputs.store.images[cells[nearest]], TILE_PX, ring[nearest])
                sheet[top : top + TILE_PX, left : left + TILE_PX] = tile
    axes.imshow(sheet, extent=(0, 1, 0, 1), interpolation="none")
