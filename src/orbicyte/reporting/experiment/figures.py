"""Figures of an experiment: trainings as dots, with intervals (paper, Figs. 3 to 5)."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from orbicyte.arrays import Doubles
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.figures import INK, new_figure, wants_log
from orbicyte.reporting.measures import describe
from orbicyte.reporting.networks import Network, colours
from orbicyte.reporting.section import Illustration
from orbicyte.reporting.values import MINUS

DOTS = (
    "One row per network and rotation weight w (paler: smaller w). Dots: one training each (fold or seed). Vertical "
    "stroke and line: mean of the trainings and its 95 % interval{dashed}. "
)
ROTATION = DOTS + (
    "Left: rotation KL, averaged over test cells and pairs of angles; low values are good.{log} The other panels are "
    "what the paper only describes in words: how far a representation moves when the cell is rotated, compared with "
    "the spread of cells{pose}; low values are good. Compare Fig. 3 of the paper."
)
RECONSTRUCTIONS = DOTS + (
    "SSIM: similarity of cell and reconstruction, high values are good. Asymmetry explained: fraction of the deviation "
    "from rotation symmetry that reconstructions explain; at 0, they are no better than rotation-symmetric ones."
    "{differences}"
)
F1 = DOTS + (
    "Unrotated cells: macro F1, whose interval is a bootstrap over labelled cells and trainings. Dotted: controls, "
    "always the most frequent type, and a classifier that sees only the border of the patch.{differences} Correct at "
    "every angle: a cell is correct only if it is at all angles. Classifier: {probe}. Compare Fig. 5 of the paper."
)
DIFFERENCES = (
    " Difference from the baseline: paired, so it does not vary with the test cells of the fold as the values do; in "
    "the grey band are differences within ±0.01, which do not matter."
)
DASHED = "; dashed: mean of the baseline"
CONTROLS = {"border_f1": ("border of the patch alone", (0, (1, 3))), "majority_f1": ("most frequent type", (0, (1, 1)))}
PROBES = {"mlp": "shallow network", "linear": "linear"}


@dataclass(frozen=True)
class _Panel:
    """``label``: of the horizontal axis; ``is_difference``: from the baseline.

    ``from_zero``: 0 is the best value: the axis starts there, or is logarithmic if values differ much.
    """

    measure: str
    title: str
    label: str
    is_difference: bool = False
    from_zero: bool = False


def rotation_figure(experiment: Experiment) -> Illustration:
    """Rotation KL, and movement and pose where they were measured."""
    panels = [_Panel("rotation_kl", "rotation KL", "nats", from_zero=True)]
    panels += [_Panel("movement/raw", "movement / spread", "0: no movement", from_zero=True)]
    panels += [_Panel("pose_consistency/circular_sd_deg", "error of the pose", "circular SD (degrees)", from_zero=True)]
    present = _present(experiment, panels)
    log = wants_log(experiment.values("rotation_kl").to_numpy().ravel().tolist())
    caption = ROTATION.format(
        dashed=_dashed(experiment),
        log=" The axis is logarithmic." if log else "",
        pose=", and the error of the angle that a network finds (180°: a constant angle)" if len(present) == 3 else "",
    )
    return _figure("rotation-kl", "Change of the representation when a cell is rotated", caption, experiment, present)


def reconstruction_figure(experiment: Experiment) -> Illustration | None:
    """SSIM and the asymmetry explained; None where neither was measured."""
    panels = [
        _Panel("ssim", "similarity (SSIM)", "up to 1"),
        _Panel("ssim", f"SSIM {MINUS} baseline", "paired difference", is_difference=True),
        _Panel("asymmetry/explained", "asymmetry explained", "fraction, up to 1"),
        _Panel("asymmetry/explained", f"explained {MINUS} baseline", "paired difference", is_difference=True),
    ]
    present = _present(experiment, panels)
    title = "Quality of the reconstructions"
    caption = RECONSTRUCTIONS.format(dashed=_dashed(experiment), differences=_differences_of(present))
    return _figure("reconstruction-measures", title, caption, experiment, present) if present else None


def f1_figure(experiment: Experiment, probe: str) -> Illustration:
    """F1, its difference from the baseline, and F1 at every angle."""
    f1, every = f"f1/{probe}", f"every_angle_f1/{probe}"
    panels = [_Panel(f1, "unrotated cells", "macro F1")]
    panels += [_Panel(f1, "difference from baseline", "paired difference", is_difference=True)]
    panels += [_Panel(every, "correct at every angle", "macro F1")]
    present = _present(experiment, panels)
    caption = F1.format(
        dashed=_dashed(experiment), differences=_differences_of(present), probe=PROBES.get(probe, probe)
    )
    return _figure("f1", "Prediction of the cell type (macro F1)", caption, experiment, present)


def _dashed(experiment: Experiment) -> str:
    """The part of the caption that explains the dashed line."""
    return DASHED if experiment.baseline else ""


def _differences_of(panels: list[_Panel]) -> str:
    """The part of the caption that explains differences, if any are drawn."""
    return DIFFERENCES if any(panel.is_difference for panel in panels) else ""


def _present(experiment: Experiment, panels: list[_Panel]) -> list[_Panel]:
    """The panels for which there are values."""
    return [
        panel
        for panel in panels
        if panel.measure in experiment.measures
        and (not panel.is_difference or experiment.against_baseline(panel.measure))
    ]


def _figure(name: str, title: str, caption: str, experiment: Experiment, panels: list[_Panel]) -> Illustration:
    rows = _rows(experiment.networks)
    figure = new_figure(1.5 + 0.36 * max(rows.values(), default=0), gap=0.06)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        if panel.is_difference:
            _differences(axes, experiment, panel, rows)
        else:
            _dots(axes, experiment, panel, rows)
        axes.set_title(panel.title)
        if axes.get_xscale() == "linear":
            axes.xaxis.set_major_locator(MaxNLocator(12 // len(panels)))
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    grid[0].set_yticks(list(rows.values()), [network.label for network in rows])
    grid[0].set_ylim(max(rows.values()) + 0.7, -0.7)
    handles, labels = grid[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return Illustration.of(name, title, caption, figure)


def _rows(networks: list[Network]) -> dict[Network, float]:
    """The vertical position of each network, from above, with a gap between names."""
    rows: dict[Network, float] = {}
    position = 0.0
    for before, network in zip([None, *networks], networks, strict=False):
        position += 0.0 if before is None else 1.0 if before.name == network.name else 1.35
        rows[network] = position
    return rows


def _dots(axes: Axes, experiment: Experiment, panel: _Panel, rows: dict[Network, float]) -> None:
    values, colour = experiment.values(panel.measure), colours(experiment.networks)
    for network in experiment.measured(panel.measure):
        axes.scatter(values[network], rows[network] + _offsets(len(values)), s=26, color=colour[network], linewidths=0)
        if mean := experiment.mean(panel.measure, network):
            _interval(axes, mean.value, mean.interval(), rows[network])
    if panel.from_zero and wants_log(values.to_numpy().ravel().tolist()):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    elif panel.from_zero:
        axes.set_xlim(left=0)
    baseline = experiment.baseline
    if baseline and (mean := experiment.mean(panel.measure, baseline)):
        axes.axvline(mean.value, color=INK, linestyle="--", linewidth=1.2, label="baseline", zorder=0)
    _controls(axes, experiment, panel.measure)
    axes.set_xlabel(panel.label + (", log scale" if axes.get_xscale() == "log" else ""))


def _controls(axes: Axes, experiment: Experiment, measure: str) -> None:
    """Lines for the F1 that is reached without the cell, each the mean over networks and trainings."""
    name, _, probe = measure.rpartition("/")
    for control, (label, style) in CONTROLS.items() if name == "f1" else ():
        found = [m for m in (control, f"{control}/{probe}") if m in experiment.measures]
        if found:
            mean = np.nanmean(experiment.values(found[0]))
            axes.axvline(float(mean), color=INK, linestyle=style, linewidth=1.6, label=label, zorder=0)


def _differences(axes: Axes, experiment: Experiment, panel: _Panel, rows: dict[Network, float]) -> None:
    values, colour = experiment.values(panel.measure), colours(experiment.networks)
    for network, estimate in experiment.against_baseline(panel.measure).items():
        differences = values[network] - values[experiment.baseline]
        axes.scatter(differences, rows[network] + _offsets(len(values)), s=26, color=colour[network], linewidths=0)
        _interval(axes, estimate.value, estimate.interval(), rows[network])
    margin = describe(panel.measure).margin or 0.0
    axes.axvspan(-margin, margin, color="#e6e6e6", linewidth=0, zorder=-1)
    axes.axvline(0, color=INK, linestyle="--", linewidth=1.2, zorder=0)
    axes.set_xlabel(panel.label)


def _offsets(count: int) -> Doubles:
    """Vertical offsets of the dots of one row, so that they do not hide each other: (count,)."""
    return np.linspace(-0.22, 0.22, count) if count > 1 else np.zeros(1)


def _interval(axes: Axes, mean: float, interval: tuple[float, float], row: float) -> None:
    axes.plot(interval, (row, row), color=INK, linewidth=1.6, solid_capstyle="butt")
    axes.plot(mean, row, "|", color=INK, markersize=11, markeredgewidth=2)
