"""The differential count of each slide, as 'orbicyte count' made it last."""

import numpy as np
import pandas as pd

from orbicyte.reporting.figures import new_figure
from orbicyte.reporting.palette import COLOURS
from orbicyte.reporting.section import Illustration, Section, Table
from orbicyte.study.types import MANY_OUTSIDE
from orbicyte.text import number_of

TITLE = "The count of each slide"
LEAD = (
    "Per cent of each type, as 'orbicyte count' calculated it last. Labelled cells count with their label, the others "
    "with their predicted type, corrected for the errors of the classifier. The table gives 95 % intervals, which are "
    "narrower where more cells are labelled."
)
CAPTION = (
    "One bar per slide, divided by cell type; n is the number of cells counted. Slides of one patient should look "
    "alike. Few cells mean wide intervals.{outside}"
)
OUTSIDE = (
    " Slides marked * have many cells out of distribution: more than a fifth of the classified ones are unlike the "
    "cells that the classifier was fitted on, and their counts are not reliable."
)
MOST_SLIDES = 40


def section(counts: pd.DataFrame | None) -> Section | None:
    """Bars and a table; None where nothing was counted."""
    if counts is None or counts.empty:
        return None
    names = counts["slide"].unique().tolist()
    lead = LEAD
    if len(names) > MOST_SLIDES:
        lead += f" The figure shows the first {MOST_SLIDES} of {len(names)} slides."
    figure = _figure(counts[counts["slide"].isin(names[:MOST_SLIDES])])
    return Section("counts", TITLE, lead, figures=[figure], more_title="All intervals", more_tables=[_table(counts)])


def _figure(counts: pd.DataFrame) -> Illustration:
    shares = counts.pivot_table("percent", "slide", "type", sort=False, dropna=False).fillna(0.0)
    first = counts.groupby("slide", sort=False).first()
    classified = counts.groupby("slide", sort=False)["classified"].sum()
    is_outside = first["out_of_distribution"] > MANY_OUTSIDE * classified
    figure = new_figure(1.8 + 0.34 * len(shares) + 0.25 * len(shares.columns) / 4)
    axes = figure.subplots()
    left = np.zeros(len(shares))
    for number, name in enumerate(shares):
        width = shares[name].to_numpy()
        axes.barh(range(len(shares)), width, 0.8, left=left, color=COLOURS[number % len(COLOURS)], label=str(name))
        left += width
    labels = [f"{name}{' *' if is_outside[name] else ''} (n = {first.loc[name, 'cells']:,})" for name in shares.index]
    axes.set_yticks(range(len(shares)), labels)
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the counted cells")
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=4)
    caption = CAPTION.format(outside=OUTSIDE if is_outside.any() else "")
    return Illustration.of("counts", f"Differential count of {number_of(len(shares), 'slide')}", caption, figure)


def _table(counts: pd.DataFrame) -> Table:
    types = counts["type"].unique().tolist()
    rows = []
    for slide, part in counts.groupby("slide", sort=False):
        by_type = part.set_index("type")
        counted = f"{part['cells'].iloc[0]:,}", f"{part['labelled'].sum():,}"
        rows.append([str(slide), *counted, *(_share(by_type.loc[name]) for name in types)])
    caption = "Per cent of each type, with its 95 % interval"
    return Table(caption, ["slide", "cells", "of these labelled", *types], rows)


def _share(row: "pd.Series[float]") -> str:
    return "–" if np.isnan(row["percent"]) else f"{row['percent']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
