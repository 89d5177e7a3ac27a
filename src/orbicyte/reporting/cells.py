"""The cells of the study, and one patch of each type (paper, Fig. 2)."""

import math

from matplotlib.axes import Axes

from orbicyte.cell_types import by_maturation
from orbicyte.data.patches import PatchStore
from orbicyte.reporting.figures import new_figure
from orbicyte.reporting.inputs import ReportInputs
from orbicyte.reporting.pictures import show
from orbicyte.reporting.section import Illustration, Section
from orbicyte.text import number_of

COLUMNS = 5
BARS_UM = (1, 2, 5, 10, 20, 50, 100)
CAPTION = (
    "The first labelled patch of each type, in the order of the files (not selected). Each patch should show one "
    "cell of this type in the centre; neighbouring cells at the edge are normal. {size} Compare Fig. 2 of the "
    "paper."
)


def section(inputs: ReportInputs) -> Section:
    """The numbers of cells in the study, with a picture of each type if any cell has a label."""
    store = inputs.store
    if not store.types:
        return Section(
            "cells", "The cells", f"{number_of(len(store), 'cell')}, none of them labelled: there are no types to show."
        )
    labelled = len(store.labelled)
    lead = f"{number_of(len(store), 'cell')}: {labelled:,} labelled, of {len(store.types)} types, and "
    lead += f"{len(store) - labelled:,} unlabelled."
    if shared := int(store.cells["shared"].sum()):
        lead += f" {shared:,} unlabelled cells of slides or patients with labelled cells were not used for training."
    return Section("cells", "The cells", lead, figures=[_one_of_each(store)])


def _one_of_each(store: PatchStore) -> Illustration:
    rows = math.ceil(len(store.types) / COLUMNS)
    figure = new_figure(2.45 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, name in zip(grid.flat, by_maturation(store.types), strict=False):
        show(axes, store.images[(store.cells["label"] == name).argmax()], COLUMNS)
        axes.set_title(f"{name}\n{number_of(store.types[name], 'cell')}", loc="center", fontsize=9)
        if store.mpp:
            _scale_bar(axes, store.side_px, store.mpp)
    size = "The pixel size is not known, so there is no scale bar."
    if store.mpp:
        size = f"The white bar is {_bar_um(store.side_px, store.mpp)} µm long."
    return Illustration.of("cells", "One patch of each cell type", CAPTION.format(size=size), figure)


def _bar_um(side_px: int, mpp: float) -> int:
    return max((length for length in BARS_UM if length <= 0.3 * side_px * mpp), default=BARS_UM[0])


def _scale_bar(axes: Axes, side_px: int, mpp: float) -> None:
    length_px = _bar_um(side_px, mpp) / mpp
    right, bottom = 0.94 * side_px, 0.92 * side_px
    for width, colour in ((5.0, "black"), (3.0, "white")):
        axes.plot([right - length_px, right], [bottom, bottom], color=colour, linewidth=width, solid_capstyle="butt")
