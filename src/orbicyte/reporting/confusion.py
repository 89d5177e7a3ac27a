"""Confusion matrices: true against predicted types."""

import re
from collections.abc import Collection

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from orbicyte.cell_types import by_maturation
from orbicyte.reporting.figures import new_figure
from orbicyte.reporting.networks import Network, shown
from orbicyte.reporting.section import Illustration
from orbicyte.reporting.values import Values

SEPARATOR = "\t"
"""Separates the true and the predicted type in the score rows of a confusion matrix."""

CAPTION = (
    "Each row is a true type, each column a predicted type. The colour gives the share of the cells of the true "
    "type (each row adds up to 1), the number is how many cells there are{runs}. Ideally the diagonal is dark and all "
    "other squares are pale. Confusions between neighbouring stages of maturation are errors that human readers make "
    "too."
)


def confusion_figures(values: Values, probe: str, nothing: Collection[Network] = ()) -> list[Illustration]:
    """One confusion matrix per network that has one: the one with the highest F1 first, then the baseline.

    Others are at the weight nearest to 0.5. A network that learned ``nothing`` is not the first if another learned
    something.
    """
    found = [network for network in values.networks if counts(values, network, probe)[0].size]
    if not found:
        return []
    best = max(found, key=lambda network: (network not in nothing, _f1(values, network, probe)))
    others = [network for network in shown(found) if network.name != best.name]
    is_named = len(others) > 0 and best not in nothing
    return [_figure(values, network, probe, is_named and network == best) for network in (best, *others)]


def _f1(values: Values, network: Network, probe: str) -> float:
    value = values.get(network, f"f1/{probe}")
    return -1.0 if value is None else value.mean


def counts(values: Values, network: Network, probe: str) -> tuple[NDArray[np.float64], list[str]]:
    """Numbers of cells by true and predicted type (T, T), summed over runs, and the names of the T types in order."""
    measure = f"confusion/{probe}"
    pairs = {tuple(pair.split(SEPARATOR, 1)): values.get(network, measure, pair) for pair in values.types(measure)}
    names = by_maturation(name for pair in pairs for name in pair)
    matrix = np.zeros((len(names), len(names)))
    for (true, predicted), value in pairs.items():
        if value:
            matrix[names.index(true), names.index(predicted)] = value.mean * value.runs
    return (matrix, names) if matrix.any() else (np.empty((0, 0)), names)


def file_part(name: str) -> str:
    """``name`` as a part of a file name."""
    return re.sub(r"[^\w-]", "_", name)


def _figure(values: Values, network: Network, probe: str, is_best: bool) -> Illustration:
    matrix, names = counts(values, network, probe)
    figure = new_figure(1.6 + 0.5 * len(names))
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _write_counts(axes, matrix, shares)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted type")
    axes.set_ylabel("true type")
    figure.colorbar(image, ax=axes, label="share of the true type", fraction=0.04)
    value = values.get(network, f"f1/{probe}")
    runs = f", over {value.runs} training runs" if value and value.runs > 1 else ""
    title = f"Confusion matrix: {network.label}"
    caption = CAPTION.format(runs=runs)
    if is_best:
        title += ", the network with the highest F1"
        caption += " That this network has the highest F1 was found on the same cells, so its F1 is a little too high."
    return Illustration.of(f"confusion-{file_part(network.name)}", title, caption, figure)


def _write_counts(axes: Axes, matrix: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.55 else "#222222"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour, fontsize=10)
