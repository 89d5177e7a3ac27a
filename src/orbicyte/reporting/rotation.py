"""How much rotating a cell changes its representation (paper, Fig. 3)."""

from collections.abc import Collection
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from orbicyte.reporting.collapse import reference
from orbicyte.reporting.experiment.figures import rotation_figure
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.figures import INK, new_figure, scale_values, wants_log
from orbicyte.reporting.inputs import ReportInputs
from orbicyte.reporting.networks import Network, colours, shown
from orbicyte.reporting.section import Illustration, Section
from orbicyte.reporting.values import Values, number, percent

MEASURE = "rotation_kl"
TITLE = "Does rotating a cell change its representation?"
MOST_LINES = 7
"""More curves than this cannot be distinguished: then only one per network is plotted."""
LOG = (
    " The vertical axes are logarithmic: equal distances are equal factors; where a curve leaves the plot at the "
    "bottom, its value is close to 0."
)
BELOW_BARS = 5
"""A logarithmic axis begins at the lowest mean divided by this."""

BASELINE = (
    "; the dashed line is the baseline, which was trained without a rotation loss",
    "bars well below the dashed line,",
)
CAPTION = (
    "{first}: rotation KL for each network and rotation weight w (paler: smaller w), averaged over test cells and "
    "over all pairs of rotation angles{baseline}. "
    "{second}: the rotated compared with the unrotated cell, by angle; open circles mark multiples of 90°, where "
    "rotation maps pixels onto pixels and nothing is interpolated. Low values are good: {good} "
    "and flat curves. A curve that is low only at the open circles shows what the pixel grid contributes; the text "
    "above states how large that is compared with the difference between cells.{log} Compare Fig. 3 of the paper."
)
ANGLES = (
    "The rotated compared with the unrotated cell, mean over trainings, at the w nearest to 0.5 of each network; open "
    "circles mark multiples of 90°, where rotation maps pixels onto pixels and nothing is interpolated. Low and flat "
    "curves are good. A curve that is low only at the open circles shows what the pixel grid contributes; the text "
    "above states how large that is compared with the difference between cells."
)


def section(
    inputs: ReportInputs, values: Values, experiment: Experiment | None, nothing: Collection[Network]
) -> Section:
    """Rotation KL by network and weight, and against the angle; of several trainings if there is an ``experiment``.

    Nothing is compared with a network that learned ``nothing``.
    """
    lead = (
        "The orientation of a cell on the slide is arbitrary. A good representation does not depend on it: rotating "
        "the cell should not change its representation."
    )
    if used := inputs.runs[0].evaluation:
        cells = f"{used.test_cells:,} cells that were not used for training"
        lead += f" Measured on {cells}, each at {used.angles} rotation angles."
    if values.first(MEASURE) is None:
        return Section("rotation", TITLE, lead + " It was not measured here.")
    ratios = {network.label: values.get(network, f"{MEASURE}/ratio") for network in shown(values.networks)}
    if shares := [f"{label} ({percent(ratio.mean)})" for label, ratio in ratios.items() if ratio]:
        lead += f" Rotation KL as a share of the KL between different cells: {', '.join(shares)}."
    if unusable := [network.label for network in values.networks if network in nothing]:
        lead += f" Low values of {', '.join(unusable)} have no meaning, because hardly anything differs between cells."
    figures = [rotation_figure(experiment), angle_figure(values)] if experiment else [_figure(values, nothing)]
    return Section("rotation", TITLE, lead, figures=figures)


def angle_figure(values: Values) -> Illustration:
    """Rotation KL against the angle, mean over trainings."""
    figure = new_figure(4.4)
    axes = figure.subplots()
    heights = _curves(axes, values)
    lowest = min((height for height in heights if height > 1e-3), default=0)
    scale_values(axes, [max(height, lowest) for height in heights], "rotation KL (nats)")
    axes.set_title("")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return Illustration.of("rotation-kl-angle", "Rotation KL by angle", ANGLES, figure)


def _figure(values: Values, nothing: Collection[Network]) -> Illustration:
    stacked = len(values.networks) > MOST_LINES
    figure = new_figure(7.8 if stacked else 4.6)
    bars, curves = np.ravel(figure.subplots(2, 1) if stacked else figure.subplots(1, 2, width_ratios=(1, 1.15)))
    line = reference(values.networks, nothing)
    _bars(bars, values, line)
    means = [value.mean for network in values.networks if (value := values.get(network, MEASURE))]
    # Every bar is visible; the curves may leave the axes at multiples of 90°, where KL can be 0 but for rounding.
    lowest = min((mean for mean in means if mean > 0), default=0) / BELOW_BARS
    heights = means + [max(height, lowest) for height in _curves(curves, values)]
    for axes in (bars, curves):
        scale_values(axes, heights, "rotation KL (nats)")
    figure.legend(*curves.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    log = LOG if wants_log(heights) else ""
    first, second = ("Top", "Bottom") if stacked else ("Left", "Right")
    baseline, good = BASELINE if line else ("", "short bars")
    caption = CAPTION.format(first=first, second=second, log=log, baseline=baseline, good=good)
    title = "Rotation KL: difference between the representations of one cell at two rotation angles"
    return Illustration.of("rotation-kl", title, caption, figure)


def _bars(axes: Axes, values: Values, line: Network | None) -> None:
    """Plot one group of bars per network except the one that is a ``line``."""
    plotted = [network for network in values.networks if network != line]
    colour = colours(values.networks)
    position, ticks = 0.0, {}
    for name in dict.fromkeys(network.name for network in plotted):
        group = [network for network in plotted if network.name == name]
        ticks[group[0].title] = position + (len(group) - 1) / 2
        for network in group:
            if value := values.get(network, MEASURE):
                axes.bar(position, value.mean, 0.86, yerr=value.spread, color=colour[network], ecolor=INK, capsize=3)
                _write(axes, number(value.mean), (position, value.mean + (value.spread or 0)), "data", ha="center")
                weight = "" if network.weight is None else f"{network.weight:g}"
                axes.annotate(
                    weight, (position, 0), (0, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
                    ha="center", va="top", fontsize=9,
                )  # fmt: skip
            position += 1
        position += 0.8
    axes.set_xlim(-0.9, max(position - 0.9, 2.5))
    axes.set_xticks(list(ticks.values()), list(ticks), fontsize=11 if len(ticks) < 5 else 9)
    axes.tick_params(axis="x", length=0, pad=20)
    if line and (value := values.get(line, MEASURE)):
        axes.axhline(value.mean, color=colour[line], linestyle="--", linewidth=2)
        _write(axes, f"{line.title}: {number(value.mean)}", (0.98, value.mean), ("axes fraction", "data"), ha="right")
    axes.set_title("by rotation weight w" if any(network.weight is not None for network in plotted) else "by network")


def _write(axes: Axes, text: str, place: tuple[float, float], coordinates: Any, ha: str) -> None:
    """Write small text just above ``place``."""
    axes.annotate(text, place, (0, 3), xycoords=coordinates, textcoords="offset points", ha=ha, va="bottom", fontsize=9)


def _curves(axes: Axes, values: Values) -> list[float]:
    """Plot KL against the angle; returns the plotted values. 0° is left out: its KL is 0 by definition."""
    networks = values.networks if len(values.networks) <= MOST_LINES else shown(values.networks)
    colour = colours(values.networks)
    heights: list[float] = []
    for network in networks:
        points = [(angle, value.mean) for angle, value in values.by_angle(network, MEASURE) if angle % 360]
        if not points:
            continue
        angles, kl = np.array(points).T
        style = "--" if network.is_baseline else "-"
        axes.plot(angles, kl, style, color=colour[network], linewidth=2, label=network.label)
        is_multiple = np.isclose(angles % 90, 0)
        axes.plot(
            angles[is_multiple], kl[is_multiple], "o", color=colour[network], markerfacecolor="white", markersize=7
        )
        heights += kl.tolist()
    for angle in (90, 180, 270):
        axes.axvline(angle, color="#cccccc", linewidth=1, zorder=0)
    axes.set_xlim(0, 360)
    axes.set_xticks(range(0, 361, 90), [f"{angle}°" for angle in range(0, 361, 90)])
    axes.set_xlabel("rotation angle")
    axes.set_title("by angle")
    return heights
