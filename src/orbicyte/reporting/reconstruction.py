"""What the networks redraw from a cell's representation (paper, Fig. 4)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Floats
from orbicyte.reporting.drawing import figure
from orbicyte.reporting.inputs import ReportInputs, TrainedRun
from orbicyte.reporting.pictures import as_bytes, show
from orbicyte.reporting.section import Illustration, Section

LEAD = (
    "Each network squeezes a cell into a short list of numbers and redraws the cell from these numbers alone. What it "
    "cannot redraw, it has not kept."
)
CAPTION = (
    "Left column: the cell as the networks see it (everything outside the disc is hidden from them). Other columns: "
    "each network's drawing of it. Good drawings keep size, colour and the shape of the nucleus; some blur is usual. A "
    "drawing that looks the same in all directions although the cell does not shows that the network became "
    "indifferent to rotation by forgetting shape. Towards the rim drawings may be poor, because the middle counts "
    "more in training. Compare Fig. 4 of the paper."
)


def section(inputs: ReportInputs) -> Section:
    """Originals beside each network's reconstruction at the weight nearest to 0.5."""
    arrays = {run: content for run in inputs.shown_runs() if "reconstructions" in (content := run.arrays())}
    title = "What do the networks keep of a cell?"
    if not arrays:
        return Section("reconstructions", title, LEAD + " No drawings were kept in this study.")
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
    return Section("reconstructions", title, LEAD, figures=[first], more_title="More cells", more=more)


def _figure(
    name: str, originals: Floats, columns: Mapping["TrainedRun", NDArray[Any]], rows: slice, caption: str
) -> Illustration:
    titles = ["original", *(run.network.label.replace(", ", "\n") for run in columns)]
    pictures = [originals, *(reconstructions[rows] for reconstructions in columns.values())]
    count = max(len(titles), 4)
    drawn = figure(len(originals) * 9.6 / count + 0.6)
    grid = drawn.subplots(len(originals), count, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for column, (title, column_pictures) in enumerate(zip(titles, pictures, strict=True)):
        grid[0, column].set_title(title, loc="center", fontsize=11 if count < 8 else 9)
        for row, picture in enumerate(column_pictures):
            show(grid[row, column], as_bytes(picture), count, disc=True)
    return Illustration.of(name, "Cells and what each network redraws", caption, drawn)
