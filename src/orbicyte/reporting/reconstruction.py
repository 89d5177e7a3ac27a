"""Reconstructions of cells from their representations (paper, Fig. 4)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Floats
from orbicyte.reporting.experiment.figures import reconstruction_figure
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.figures import new_figure
from orbicyte.reporting.inputs import ReportInputs, TrainedRun
from orbicyte.reporting.pictures import as_bytes, show
from orbicyte.reporting.section import Illustration, Section

LEAD = (
    "Each network encodes a cell as a short list of numbers, its representation, and reconstructs the image from "
    "these numbers alone. Properties of the cell that are missing in the reconstruction are probably missing in the "
    "representation."
)
CAPTION = (
    "Left column: the cell as the networks see it (pixels outside the disc are masked). Other columns: its "
    "reconstruction by each network. A good reconstruction preserves size, colour and the shape of the nucleus; "
    "some blur is normal. If a reconstruction is rotation-symmetric although the cell is not, the network has "
    "become invariant to rotation by discarding shape. Near the edge of the disc reconstructions may be poor, "
    "because the loss gives more weight to the centre. Compare Fig. 4 of the paper."
)


def section(inputs: ReportInputs, experiment: Experiment | None) -> Section:
    """Cells next to their reconstruction by each network at the weight nearest to 0.5, and the measures of them."""
    arrays = {run: content for run in inputs.shown_runs() if "reconstructions" in (content := run.arrays())}
    title = "How well are cells reconstructed?"
    measured = reconstruction_figure(experiment) if experiment else None
    figures = [measured] if measured else []
    if not arrays:
        return Section("reconstructions", title, LEAD + " No reconstructions were stored in this study.", figures)
    originals = next(iter(arrays.values()))["inputs"]
    columns = {
        run: content["reconstructions"]
        for run, content in arrays.items()
        if np.array_equal(content["inputs"], originals)
    }
    left_out = [run.network.label for run in arrays if run not in columns]
    caption = CAPTION
    if left_out:
        caption += f" Left out, because they were tested on other cells: {', '.join(left_out)}."
    rows = inputs.runs[0].record.settings.evaluation.reconstructed_cells
    first = _figure("reconstructions", originals[:rows], columns, slice(0, rows), caption)
    rest = slice(rows, len(originals))
    more = [_figure("reconstructions-more", originals[rest], columns, rest, CAPTION)] if len(originals) > rows else []
    return Section("reconstructions", title, LEAD, figures=[first, *figures], more_title="More cells", more=more)


def _figure(
    name: str, originals: Floats, columns: Mapping["TrainedRun", NDArray[Any]], rows: slice, caption: str
) -> Illustration:
    titles = ["original", *(run.network.label.replace(", ", "\n") for run in columns)]
    pictures = [originals, *(reconstructions[rows] for reconstructions in columns.values())]
    count = max(len(titles), 4)
    figure = new_figure(len(originals) * 9.6 / count + 0.6)
    grid = figure.subplots(len(originals), count, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for column, (title, column_pictures) in enumerate(zip(titles, pictures, strict=True)):
        grid[0, column].set_title(title, loc="center", fontsize=11 if count < 8 else 9)
        for row, picture in enumerate(column_pictures):
            show(grid[row, column], as_bytes(picture), count, disc=True)
    return Illustration.of(name, "Cells and their reconstruction by each network", caption, figure)
