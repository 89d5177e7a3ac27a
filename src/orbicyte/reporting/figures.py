"""Figures as SVG, PDF and PNG: one style for all, and the same bytes for the same numbers."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator

WIDTH_IN = 10.0
"""Width of every figure; at 960 px on the page its 11 point text has the size of the page's text."""

INK = "#222222"
RULE = "#d9d9d9"

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "grid.color": RULE,
    "image.composite_image": False,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "svg.fonttype": "path",  # reads the same on every machine
    "svg.hashsalt": "orbicyte",  # the same identifiers every time
    "text.color": INK,
    "text.parse_math": False,  # a label may contain a dollar sign
    "xtick.color": INK,
    "ytick.color": INK,
}

DECADES_FOR_LOG = 1.5


@contextmanager
def report_style() -> Iterator[None]:
    """Within the block, figures are made in the report's style, whatever the user's settings of matplotlib."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a label in another script
        yield


def new_figure(height_in: float, gap: float = 0.02) -> Figure:
    """An empty figure of the report's width, with automatic layout; ``gap`` between panels as a fraction of one."""
    return Figure(figsize=(WIDTH_IN, height_in), layout=ConstrainedLayoutEngine(wspace=gap))


def svg(figure: Figure) -> str:
    """The figure as an SVG document without date or program."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=200, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    # Small pictures are shown interpolated, as under a microscope, not as a raster of squares.
    return buffer.getvalue().decode("utf-8").replace("image-rendering:crisp-edges;image-rendering:pixelated", "")


def pdf(figure: Figure) -> bytes:
    """The figure as a PDF document without date or program."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", dpi=200, metadata=dict.fromkeys(("CreationDate", "Creator", "Producer")))
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    """The figure as a PNG image, 2,000 px wide."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def wants_log(values: list[float]) -> bool:
    """Whether positive ``values`` span too wide a range for a linear axis."""
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) / min(positive) > 10**DECADES_FOR_LOG


def scale_values(axes: Axes, values: list[float], label: str) -> None:
    """Label the vertical axis; logarithmic, with a note in the label, where ``values`` need it, else from 0."""
    if wants_log(values):
        low, high = min(value for value in values if value > 0), max(values)
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1e3 else (1,)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        label += ", log scale"
    else:
        axes.set_ylim(0, max([*values, 1e-9]) * 1.12)
    axes.set_ylabel(label)
    axes.grid(axis="y")
