"""The page of the audit: one HTML file that can be read offline."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.auditing.findings import LEAKS, Audit
from orbicyte.auditing.registration import Alignment, aligned
from orbicyte.reporting import page as report_page
from orbicyte.reporting.pictures import scaled
from orbicyte.reporting.section import Table
from orbicyte.reporting.values import number

SHOWN = 120
"""At most as many pictures in a section; the tables in the folder have all rows."""
PICTURE_PX = 168
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, as data URLs, and the lines below them."""

    sources: Sequence[str]
    lines: Sequence[str]


@dataclass(frozen=True)
class AuditSection:
    """A part of the page."""

    name: str
    title: str
    lead: str
    tables: Sequence[Table] = ()
    pictures: Sequence[Pictures] = ()


def render(audit: Audit) -> str:
    """The page of ``audit``; text from files is escaped."""
    environment = report_page.environment(Path(__file__).parent)
    sections = [_copies(audit), _contradictions(audit), _rejected(audit), _confounders(audit), _balance(audit)]
    return environment.get_template("page.html").render(
        title=audit.title,
        version=version("orbicyte"),
        style=(report_page.FOLDER / "style.css").read_text(encoding="utf-8"),
        findings=audit.findings(),
        notes=audit.notes,
        sections=[section for section in sections if section],
    )


def _copies(audit: Audit) -> AuditSection:
    pairs, flags = audit.pairs, [*LEAKS, "labels_differ"]
    lead = (
        "Pairs of patches that show the same cell: copies, and two recordings of one cell, whatever their rotation, "
        "reflection, brightness and compression. The second picture is rotated (and mirrored) to the first. Similarity "
        "is the correlation of their structure, 1 at most. Keep one cell of each group, or assign all of them to one "
        "slide."
    )
    if pairs.empty:
        return AuditSection("copies", "Copies", "No two patches show the same cell.")
    order = pairs.assign(flagged=pairs[flags].sum(axis=1)).sort_values(
        ["labels_differ", "flagged", "similarity"], ascending=False, kind="stable"
    )
    shown = [_pair(audit, row) for row in order.head(SHOWN).to_dict("records")]
    rows = [[what, f"{int(pairs[flag].sum()):,}"] for flag, what in LEAKS.items()]
    table = Table("Where the two cells of a pair are", ["the two cells", "pairs"], rows)
    return AuditSection("copies", "Copies", lead + _limit(len(pairs), "audit/pairs.csv"), [table], shown)


def _pair(audit: Audit, row: dict[Any, Any]) -> Pictures:
    store = audit.store
    shift = (row["shift_x_px"] / store.view_px, row["shift_y_px"] / store.view_px)
    alignment = Alignment(row["angle_deg"], row["mirrored"], shift)
    images = store.images[row["first"]], aligned(store.images[row["second"]], store.view_px, alignment)
    how = "equal pixels" if row["exact"] else f"similarity {row['similarity']:.2f}, rotated by {row['angle_deg']:.0f}°"
    lines = [how + (", mirrored" if row["mirrored"] else "")]
    lines += [
        f"{row[f'{name}_file']}: {row[f'{name}_label'] or 'no label'} ({row[f'{name}_place']})"
        for name in ("first", "second")
    ]
    return Pictures([_source(_view(image, store.view_px)) for image in images], lines)


def _contradictions(audit: Audit) -> AuditSection:
    lead = "Copies of one cell with different labels: at least one of the labels is wrong."
    if audit.contradictions.empty:
        return AuditSection("contradictions", "Contradictory labels", "No copies have different labels.")
    rows = [[str(row.group), str(row.file), str(row.label)] for row in audit.contradictions.itertuples()]
    table = Table("Groups of copies with more than one label", ["group", "file", "label"], rows[:SHOWN])
    lead += _limit(len(rows), "audit/contradictions.csv")
    return AuditSection("contradictions", "Contradictory labels", lead, [table])


def _rejected(audit: Audit) -> AuditSection | None:
    table = audit.rejected
    if table is None:
        return None
    title = "Labels to check"
    if table.empty:
        return AuditSection("labels", title, "At least one probe agrees with the label of each cell.")
    lead = (
        "Cells whose label the linear and the MLP probes of all networks reject; none of these probes was fitted on "
        "that cell. First those on which the probes agree most, and whose types are rarely confused. These are label "
        "errors or unusual cells: the fewer and the worse the networks, the more of these labels are right. Look at "
        "the cells again before you change a label."
    )
    shown = [_rejected_cell(audit, row) for row in table.head(SHOWN).to_dict("records")]
    return AuditSection("labels", title, lead + _limit(len(table), "audit/rejected_labels.csv"), pictures=shown)


def _rejected_cell(audit: Audit, row: dict[Any, Any]) -> Pictures:
    store = audit.store
    lines = [
        f"label {row['label']}; predicted {row['predicted']} by {row['agreement']:.0%} of {row['predictions']} probes",
        str(row["file"]),
    ]
    return Pictures([_source(_view(store.images[row["cell"]], store.view_px))], lines)


def _confounders(audit: Audit) -> AuditSection | None:
    if audit.probes.empty:
        return None
    lead = (
        "Cross-validated macro F1 of a linear probe that should know nothing. If the border of the patch predicts the "
        "type well, background or stain identifies it, and F1 of a network is too high by an unknown amount. If the "
        "slide is predicted well, the stain of a slide is visible there, so folds must not split slides."
    )
    rows = [
        [f"{row['predicts']}, from {row['from']}", *_numbers(row, "cells", "classes"), *_scores(row)]
        for row in audit.probes.to_dict("records")
    ]
    header = ["predicted", "cells", "classes", "F1", "F1 of the most frequent class"]
    return AuditSection("confounders", "Without the cell", lead, [Table("Probes", header, rows)])


def _numbers(row: dict[Any, Any], *names: str) -> list[str]:
    return [f"{row[name]:,}" for name in names]


def _scores(row: dict[Any, Any]) -> list[str]:
    return [number(row["f1"]), number(row["majority_f1"])]


def _balance(audit: Audit) -> AuditSection:
    tables = []
    if len(audit.balance):
        tables.append(_as_table("Labelled cells by type", audit.balance))
    if len(audit.folds):
        tables.append(_as_table("Cells that networks learn from, by fold", audit.folds))
    lead = "Numbers of cells. Types with few cells in a fold have uncertain scores."
    return AuditSection("balance", "Class balance", lead, tables)


def _as_table(caption: str, table: pd.DataFrame) -> Table:
    rows = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in table.to_numpy(dtype=object).tolist()]
    return Table(caption, [str(name) for name in table.columns], rows)


def _limit(count: int, file: str) -> str:
    return f" The first {SHOWN} of {count:,} are shown; {file} has all." if count > SHOWN else f" Also in {file}."


def _view(patch: Pixels, view_px: int) -> Pixels:
    start = (patch.shape[0] - view_px) // 2
    return scaled(np.ascontiguousarray(patch[start : start + view_px, start : start + view_px]), PICTURE_PX)


def _source(picture: Pixels) -> str:
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode()
