"""How well the representation of a cell predicts its type (paper, Fig. 5)."""

from collections.abc import Collection
from dataclasses import dataclass

from matplotlib.axes import Axes

from orbicyte.cell_types import by_maturation
from orbicyte.reporting.collapse import reference
from orbicyte.reporting.confusion import confusion_figures
from orbicyte.reporting.experiment.figures import PROBES, f1_figure
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.figures import INK, new_figure
from orbicyte.reporting.inputs import ReportInputs
from orbicyte.reporting.networks import Network, colours, shown
from orbicyte.reporting.section import Illustration, Section, Table
from orbicyte.reporting.values import Values, number

TITLE = "Does the representation predict the cell type?"
LEAD = (
    "A shallow classifier predicts the type of held-out cells from their representations alone, without the images. "
    "F1 is 1 when all cells of all types are classified correctly; macro F1 gives all types the same weight, "
    "whether rare or frequent."
)
CAPTION = (
    "One bar per network and rotation weight (paler: smaller w; w increases from top to bottom); the error bar is one "
    "standard deviation over the folds of the cross-validation. Left: unrotated cells. Right, hatched: a cell is "
    "correct only if it is classified correctly at every rotation angle. Long bars are good; a right bar nearly as "
    "long as the left one means that the prediction does not depend on the orientation of the cell. The dotted lines "
    "are controls: always predicting the most frequent type, and a classifier that sees only the border of the patch, "
    "where there is background and no cell. If the border's F1 is close to the bars, background predicts the type; F1 "
    "is too high. Classifier: {probe}. Compare Fig. 5 of the paper."
)


@dataclass(frozen=True)
class _Line:
    measure: str
    label: str
    style: tuple[int, tuple[int, ...]]


_LINES = (
    _Line("majority_f1", "always the most frequent type", (0, (1, 1))),
    _Line("border_f1", "border of the patch alone", (0, (1, 3))),
)


def section(
    inputs: ReportInputs, values: Values, experiment: Experiment | None, nothing: Collection[Network]
) -> Section:
    """F1 by network, weight and type, and confusion matrices; one sentence where no cell has a label.

    Nothing is compared with a network that learned ``nothing``.
    """
    measure = values.first("f1/mlp", "f1/linear")
    if measure is None:
        return Section("types", TITLE, "No cell of this study has a label, so this part is left out.")
    probe = measure.rpartition("/")[2]
    confusion = confusion_figures(values, probe, nothing)
    has_baseline = any(network.is_baseline for network in values.networks)
    first = 2 if has_baseline and confusion and confusion[0].name != "confusion-baseline" else 1
    return Section(
        "types",
        TITLE,
        LEAD + _cells_used(inputs),
        figures=[f1_figure(experiment, probe) if experiment else _figure(values, probe, nothing), *confusion[:first]],
        tables=[_by_class(values, measure)],
        more_title="Confusion matrices of the other networks",
        more=confusion[first:],
    )


def _cells_used(inputs: ReportInputs) -> str:
    used = inputs.runs[0].evaluation
    if used is None:
        return ""
    text = (
        f" Measured on {used.labelled_test:,} labelled cells (the test part); {used.labelled_selection:,} others are "
        "the selection part, reserved for model selection."
    )
    if 0 < used.labelled_rotated < used.labelled_test:
        text += (
            f' "Correct at every angle" is measured on {used.labelled_rotated:,} cells of the test part, so it can be '
            "above the F1 of all by chance."
        )
    if rare := used.types_left_out:
        text += f" Types with too few labelled cells are left out: {', '.join(rare)}."
    if used.grouped_by == "cell":
        return text + (
            " Slide and patient of the cells are not known, so cells of one slide may be both in the training set and "
            "in the test set of the classifier: F1 may be too high."
        )
    return text + f" No {used.grouped_by} is in both the training set and the test set of a fold."


def _figure(values: Values, probe: str, nothing: Collection[Network]) -> Illustration:
    panels = {f"f1/{probe}": "unrotated cells"}
    if values.first(f"every_angle_f1/{probe}"):
        panels[f"every_angle_f1/{probe}"] = "correct at every angle"
    figure = new_figure(1.9 + 0.42 * len(values.networks), gap=0.05)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (measure, title) in zip(grid, panels.items(), strict=True):
        _bars(axes, values, measure)
        _lines(axes, values, measure, nothing)
        axes.set_title(title)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    caption = CAPTION.format(probe=PROBES.get(probe, probe))
    return Illustration.of("f1", "Prediction of the cell type (macro F1)", caption, figure)


def _bars(axes: Axes, values: Values, measure: str) -> None:
    colour = colours(values.networks)
    ticks, position = {}, 0.0
    previous = values.networks[0].name
    for network in values.networks:
        position += 0.5 if network.name != previous else 0.0
        previous = network.name
        ticks[network.label] = position
        if value := values.get(network, measure):
            hatch = "//" if measure.startswith("every_angle") else None
            axes.barh(
                position, value.mean, 0.84, xerr=value.spread, color=colour[network], edgecolor="white", hatch=hatch,
                linewidth=0, ecolor=INK, capsize=3,
            )  # fmt: skip
            axes.annotate(
                number(value.mean), (value.mean + (value.spread or 0), position), (6, 0),
                textcoords="offset points", va="center", fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip
        position += 1
    axes.set_yticks(list(ticks.values()), list(ticks))
    axes.set_ylim(position - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.0)
    axes.set_xlabel("macro F1 (0 to 1)")
    axes.grid(axis="x")


def _lines(axes: Axes, values: Values, measure: str, nothing: Collection[Network]) -> None:
    """Plot the baseline and, on the panel of unrotated cells, the controls, each the mean over networks."""
    name, _, probe = measure.rpartition("/")
    for line in _LINES if name == "f1" else ():
        control = values.first(line.measure, f"{line.measure}/{probe}")
        found = [value.mean for network in values.networks if control and (value := values.get(network, control))]
        if found:
            axes.axvline(sum(found) / len(found), color=INK, linestyle=line.style, linewidth=1.6, label=line.label)
    baseline = reference(values.networks, nothing)
    if baseline and (value := values.get(baseline, measure)):
        axes.axvline(value.mean, color=INK, linestyle="--", linewidth=1.4, label="baseline")


def _by_class(values: Values, measure: str) -> Table:
    networks = shown(values.networks)
    rows = []
    for name in by_maturation(values.types(measure)):
        found = [values.get(network, measure, name) for network in networks]
        rows.append([name, *(str(value) if value else "–" for value in found)])
    probe = measure.rpartition("/")[2]
    return Table(
        f"F1 by cell type ({PROBES.get(probe, probe)} classifier); 1 is perfect",
        ["cell type", *(network.label for network in networks)],
        rows,
    )
