"""Which type is taken for which."""

import re

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from orbicyte.reporting.drawing import figure
from orbicyte.reporting.networks import Network, shown
from orbicyte.reporting.section import Illustration
from orbicyte.reporting.values import Values

BETWEEN = "\t"
"""What stands between the true and the predicted type in the rows of a confusion."""

CAPTION = (
    "Each row is a true type; the colour says which share of its cells was given the type of the column (rows add up "
    "to 1), the number how many cells that is{runs}. Good is a dark diagonal and pale squares elsewhere. Dark squares "
    "beside the diagonal between neighbouring stages of maturation are the errors people make too."
)


def confusion_figures(values: Values, probe: str) -> list[Illustration]:
    """One matrix for each network at the weight nearest to 0.5 that has confusion rows."""
    found = [network for network in shown(values.networks) if counts(values, network, probe)[0].size]
    return [_figure(values, network, probe) for network in found]


def counts(values: Values, network: Network, probe: str) -> tuple[NDArray[np.float64], list[str]]:
    """Cells by true and predicted type (T, T), summed over runs, and the T types' names."""
    measure = f"confusion/{probe}"
    pairs = {tuple(pair.split(BETWEEN, 1)): values.get(network, measure, pair) for pair in values.types(measure)}
    names = sorted({name for pair in pairs for name in pair})
    matrix = np.zeros((len(names), len(names)))
    for (true, predicted), value in pairs.items():
        if value:
            matrix[names.index(true), names.index(predicted)] = value.mean * value.runs
    return (matrix, names) if matrix.any() else (np.empty((0, 0)), names)


def file_part(name: str) -> str:
    """``name`` as a part of a file name."""
    return re.sub(r"[^\w-]", "_", name)


def _figure(values: Values, network: Network, probe: str) -> Illustration:
    matrix, names = counts(values, network, probe)
    drawn = figure(1.6 + 0.5 * len(names))
    axes = drawn.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _write_counts(axes, matrix, shares)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.set_xlabel("type given by the classifier")
    axes.set_ylabel("true type")
    drawn.colorbar(image, ax=axes, label="share of the true type", fraction=0.04)
    value = values.get(network, f"f1/{probe}")
    runs = f", over {value.runs} training runs" if value and value.runs > 1 else ""
    title = f"Which types are taken for which: {network.label}"
    return Illustration.of(f"confusion-{file_part(network.name)}", title, CAPTION.format(runs=runs), drawn)


def _write_counts(axes: Axes, matrix: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.55 else "#222222"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour, fontsize=10)
