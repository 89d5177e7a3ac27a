"""How well the type of a cell can be told from its representation (paper, Fig. 5)."""

from dataclasses import dataclass

from matplotlib.axes import Axes

from orbicyte.reporting.confusion import confusion_figures
from orbicyte.reporting.drawing import INK, figure
from orbicyte.reporting.inputs import ReportInputs
from orbicyte.reporting.networks import colours, shown
from orbicyte.reporting.section import Illustration, Section, Table
from orbicyte.reporting.values import Values, number

TITLE = "Can the cell type be told from the description?"
LEAD = (
    "A small classifier sees only the networks' numbers, never the picture, and names the type of cells it was not "
    "trained on. F1 is 1 when every cell of every type is named rightly; all types count the same, rare or frequent."
)
CAPTION = (
    "One bar for each network and rotation weight (paler: smaller w; from top to bottom rising w); the thin line at "
    "its end is one standard deviation over {spread}. Left: each cell as it lies. Right, hatched: a cell counts as "
    "right only if it is named rightly at every angle. Long bars are good, and a right bar nearly as long as the left "
    "one means that the answer does not depend on how the cell lies. Bars should lie far right of the dotted lines: "
    "what is reached by always naming the most frequent type, and by looking only at the patch's border, where there "
    "is background and no cell. Classifier: {probe}. Compare Fig. 5 of the paper."
)
PROBES = {"mlp": "shallow network", "linear": "linear"}


@dataclass(frozen=True)
class _Line:
    measure: str
    label: str
    style: tuple[int, tuple[int, ...]]


_LINES = (
    _Line("majority_f1", "always the most frequent type", (0, (1, 1))),
    _Line("border_f1", "border of the patch only", (0, (1, 3))),
)


def section(inputs: ReportInputs, values: Values) -> Section:
    """F1 by network and weight, by class, and confusion; one sentence where no cell has a label."""
    measure = values.first("f1/mlp", "f1/linear")
    if measure is None:
        return Section("types", TITLE, "No cell of this study has a label, so this part is left out.")
    probe = measure.rpartition("/")[2]
    confusion = confusion_figures(values, probe)
    return Section(
        "types",
        TITLE,
        LEAD + _cells_used(inputs),
        figures=[_figure(values, probe), *confusion[:1]],
        tables=[_by_class(values, measure)],
        more_title="Which types are taken for which, by the other networks",
        more=confusion[1:],
    )


def _cells_used(inputs: ReportInputs) -> str:
    used = inputs.runs[0].evaluation
    if used is None:
        return ""
    text = (
        f" Measured on {used.labelled_test:,} labelled cells (the test part); {used.labelled_selection:,} others are "
    )
    text += "the selection part, on which choices are made."
    if rare := used.types_left_out:
        text += f" Types with too few labelled cells to be told are left out: {', '.join(rare)}."
    if used.grouped_by == "cell":
        return text + (
            " Slide and patient of the cells are not known, so cells of one slide may be among those the classifier "
            "learned from and those it is tested on, which flatters it."
        )
    return text + f" Cells of one {used.grouped_by} are never on both sides of a test."


def _figure(values: Values, probe: str) -> Illustration:
    panels = {f"f1/{probe}": "each cell as it lies"}
    if values.first(f"every_angle_f1/{probe}"):
        panels[f"every_angle_f1/{probe}"] = "right at every angle"
    drawn = figure(1.9 + 0.42 * len(values.networks))
    grid = drawn.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (measure, title) in zip(grid, panels.items(), strict=True):
        _bars(axes, values, measure)
        _lines(axes, values, measure)
        axes.set_title(title)
    handles, labels = grid[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=3)
    runs = max(value.runs for network in values.networks if (value := values.get(network, f"f1/{probe}")))
    spread = "the folds of the classification" if runs == 1 else f"{runs} training runs"
    caption = CAPTION.format(spread=spread, probe=PROBES.get(probe, probe))
    return Illustration.of("f1", "How well the cell type is told (macro F1)", caption, drawn)


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


def _lines(axes: Axes, values: Values, measure: str) -> None:
    """Draw the baseline and, on the panel of cells as they lie, the controls: each the mean over networks."""
    name, _, probe = measure.rpartition("/")
    for line in _LINES if name == "f1" else ():
        control = values.first(line.measure, f"{line.measure}/{probe}")
        found = [value.mean for network in values.networks if control and (value := values.get(network, control))]
        if found:
            axes.axvline(sum(found) / len(found), color=INK, linestyle=line.style, linewidth=1.6, label=line.label)
    baseline = next((network for network in values.networks if network.is_baseline), None)
    if baseline and (value := values.get(baseline, measure)):
        axes.axvline(value.mean, color=INK, linestyle="--", linewidth=1.4, label="baseline")


def _by_class(values: Values, measure: str) -> Table:
    networks = shown(values.networks)
    rows = []
    for name in values.types(measure):
        found = [values.get(network, measure, name) for network in networks]
        rows.append([name, *(str(value) if value else "–" for value in found)])
    probe = measure.rpartition("/")[2]
    return Table(
        f"F1 by cell type ({PROBES.get(probe, probe)} classifier); 1 is perfect",
        ["cell type", *(network.label for network in networks)],
        rows,
    )
