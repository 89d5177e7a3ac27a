"""count: the differential count of each slide, with intervals that include the errors of the classifier."""

import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Counts, Flags
from orbicyte.cell_types import COARSER
from orbicyte.classification.counting import Classified, corrected, naive
from orbicyte.classification.labelled import counted
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.review.accepted import accepted_cells, last_options
from orbicyte.stages.classify_study import classify_study
from orbicyte.study import Study
from orbicyte.study.classes import OTHER, chosen_classes
from orbicyte.study.counts import write_counts
from orbicyte.study.files import check_writable, replacing
from orbicyte.study.slides import has_slides
from orbicyte.study.types import MANY_OUTSIDE, confusion_elsewhere, predicted_by, read_types
from orbicyte.text import examples_of, natural, number_of

NOT_COUNTED = {
    "other": "not counted: other",
    "unsure": "not counted: unsure or disagreed",
    "untyped": "not counted: without a type",
    "out_of_distribution": "counted, out of distribution",
}
LISTED = 5
"""Slides that a warning names."""
GAP = 2
"""Spaces between the columns of a table."""


def count(
    study: Study | Path | str,
    *,
    run: Path | str | None = None,
    out: Path | str | None = None,
    device: str | None = None,
) -> pd.DataFrame:
    """The differential count of ``study``: one row for each slide and type, also written to the CSV ``out``.

    Columns: ``slide``, ``type``, ``labelled`` and ``classified`` (cells), ``percent``, ``low``, ``high`` (95 %
    interval, corrected for the classifier's errors; see ``docs/counting.md``), ``naive_percent``, ``naive_low``,
    ``naive_high`` (as if it made none), NaN where no cell is counted; and of the slide: ``cells`` (labelled or
    classified), ``other``, ``unsure`` (or readers disagree), ``untyped`` (no label, and no patch that could be
    classified): these three are not among ``cells``; and ``out_of_distribution``: classified cells, among ``cells``,
    that are out of the distribution of the labelled ones.

    Cells are classified first (``classify_study``), on ``device`` (see ``Embedder``), if ``run`` is given and the types
    are of another run, and if there are no types and not every cell has a label. If that fails, the labelled cells are
    counted, with a warning. The table is kept in the study, for the report
    (``orbicyte.study.counts``). Warns of slides with many cells out of distribution. Raises ``OrbicyteError`` for a
    study without slides.
    """
    study = Study.of(study)
    if out is not None:
        check_writable(Path(out), ".csv")
    if not has_slides(study):
        raise OrbicyteError(f"{study.path} has no slides: a differential count needs cells on slides")
    if run is not None and study.run(run).name != predicted_by(study):
        classify_study(study, run, device=device)
    elif predicted_by(study) is None:
        _classify_first(study, device)
    table = _counted(study)
    _warn_if_unlike(table, study)
    write_counts(study, table)
    if out is not None:
        with replacing(Path(out)) as temporary:
            table.to_csv(temporary, index=False, float_format="%.4f")
    return table


def as_text(table: pd.DataFrame, columns: int = 100) -> str:
    """The table as text: one row per type, and as many slides next to each other as fit into ``columns`` characters."""
    slides = [_column(part) for _, part in table.groupby("slide", sort=False)]
    names = max(len(name) for slide in slides for name in slide)
    width = max(len(value) for slide in slides for value in slide.values()) + GAP
    count = max(1, (columns - names) // width)
    groups = [slides[at : at + count] for at in range(0, len(slides), count)]
    return "\n\n".join(_block(group, names, width) for group in groups)


def _warn_if_unlike(table: pd.DataFrame, study: Study) -> None:
    """Warn of slides on which many of the classified cells are out of distribution."""
    slides = table.groupby("slide").agg({"classified": "sum", "out_of_distribution": "first"})
    share = slides["out_of_distribution"] / slides["classified"].clip(lower=1)
    many = sorted(share[share > MANY_OUTSIDE].index, key=natural)
    if many:
        found = slides.loc[many].sum()
        warn(
            f"{found['out_of_distribution'] / found['classified']:.0%} of the classified cells of "
            f"{number_of(len(many), 'slide')} ({examples_of(many, most=LISTED)}) are out "
            "of distribution, unlike the cells that the classifier was fitted on, so these counts are not reliable: "
            f"label some of their cells ('orbicyte review {study.path}') and run 'orbicyte classify {study.path}'"
        )


def _counted(study: Study) -> pd.DataFrame:
    cells, classes, known = _cells(study)
    if not known:
        warn(f"only labelled cells are counted: the others have no type yet ('orbicyte classify {study.path}')")
    confusions = _confusions(study, cells, known)
    slides = sorted(((str(name), part) for name, part in cells.groupby("slide")), key=lambda slide: natural(slide[0]))
    is_known = np.isin(classes, known)
    parts = [_of_slide(*slide, classes, confusions, is_known) for slide in track(slides, "counting slides")]
    return pd.concat(parts, ignore_index=True)


def _classify_first(study: Study, device: str | None) -> None:
    """Classify, unless every cell has a label; an error is a warning if the labelled cells can be counted."""
    label = accepted_cells(study, last_options(study))["label"]
    if label.notna().all():
        return
    try:
        classify_study(study, device=device)
    except OrbicyteError as error:
        if not (label.notna() & (label != OTHER)).any():
            raise
        warn(f"only labelled cells are counted, as the others cannot be classified: {error}")


def _confusions(study: Study, cells: pd.DataFrame, known: list[str]) -> list[Counts]:
    """Labelled cells within and out of distribution, by label and by predicted type: two of (J, J).

    Those within include the cells of another laboratory that the shipped classifier was fitted on.
    """
    both = cells[cells["label"].isin(known) & cells["type"].notna()]
    outside = both["out_of_distribution"].eq(True)
    tables = [pd.crosstab(part["label"], part["type"]) for part in (both[~outside], both[outside])]
    within, beyond = (table.reindex(index=known, columns=known, fill_value=0).to_numpy(np.int64) for table in tables)
    elsewhere = confusion_elsewhere(study)
    return [within if elsewhere is None else within + elsewhere.loc[known, known].to_numpy(np.int64), beyond]


def _cells(study: Study) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Cells with label, type and whether they are classified; all types, and those the classifier knows.

    Both in the order of the study's classes.
    """
    cells, types = accepted_cells(study, last_options(study)), read_types(study)
    if types is None:
        types = pd.DataFrame(columns=["id", "slide", "type", "out_of_distribution", "label"])
    columns = types[["id", "slide", "type", "out_of_distribution", "label"]].rename(columns={"label": "label_then"})
    cells = cells.merge(columns, on=["id", "slide"], how="left")
    known = {str(column).removeprefix("p_") for column in types if str(column).startswith("p_")}
    cells = _as_divided(cells, known)
    label = cells["label"].where(cells["label"] != OTHER, None)
    newer = int((label.notna() & (label != cells["label_then"]) & cells["type"].notna()).sum())
    if newer:
        warn(
            f"{number_of(newer, 'label')} given after types were predicted: to use them, run 'orbicyte classify "
            f"{study.path}'"
        )
    found = set(label.dropna()) | known
    classes = [name for name in chosen_classes(study) if name in found]
    classes += sorted(found - set(classes))
    cells = cells.assign(is_classified=cells["labelled_by"].isna() & cells["type"].notna())
    return cells, classes, [name for name in classes if name in known]


def _as_divided(cells: pd.DataFrame, known: Collection[str]) -> pd.DataFrame:
    """``cells`` with the coarser type as label where the classifier, of the types ``known``, has only that one."""
    coarser = {name: one for name, one in COARSER.items() if one in known and name not in known}
    merged = cells["label"][cells["label"].isin(coarser)].value_counts().sort_index()
    if len(merged):
        numbers = {str(name): int(number) for name, number in merged.items()}
        one = ", ".join(sorted({coarser[name] for name in numbers}))
        print_line(f"labels counted as {one}, which the classifier does not divide: {counted(numbers)}")
    labels = ["label", "label_then"]
    return cells.assign(**{name: cells[name].map(lambda label: coarser.get(label, label)) for name in labels})


def _of_slide(
    slide: str, cells: pd.DataFrame, classes: list[str], confusions: list[Counts], is_known: Flags
) -> pd.DataFrame:
    """One row per type.

    ``is_known`` (K,): True for the J types that the classifier knows; ``confusions``: two of (J, J), of labelled cells
    within and out of distribution.
    """
    label, labelled_by = cells["label"], cells["labelled_by"]
    is_labelled, is_classified = label.isin(classes), cells["is_classified"]
    outside = is_classified & cells["out_of_distribution"].eq(True)
    labelled, within, beyond = (
        values.value_counts().reindex(classes, fill_value=0).to_numpy(dtype=np.int64)
        for values in (label[is_labelled], cells["type"][is_classified & ~outside], cells["type"][outside])
    )
    classified = within + beyond
    table = pd.DataFrame({"slide": slide, "type": classes, "labelled": labelled, "classified": classified})
    seed = zlib.crc32(slide.encode())
    groups = [Classified(part[is_known], of) for part, of in zip((within, beyond), confusions, strict=True)]
    found = corrected(labelled, groups, seed, known=is_known)
    cells_counted = int(is_labelled.sum() + is_classified.sum())
    for prefix, shares in (("", found), ("naive_", naive(labelled, classified, seed))):
        for name, values in (("percent", shares.share), ("low", shares.low), ("high", shares.high)):
            table[prefix + name] = values * 100 if cells_counted else np.nan
    return table.assign(
        cells=cells_counted,
        other=int((label == OTHER).sum()),
        unsure=int((label.isna() & labelled_by.notna()).sum()),
        untyped=int((labelled_by.isna() & ~is_classified).sum()),
        out_of_distribution=int(outside.sum()),
    )


def _column(slide: pd.DataFrame) -> dict[str, str]:
    """The texts of one slide by the names of their rows."""
    first = slide.iloc[0]
    return {
        "": str(first["slide"]),
        "cells counted": f"{first['cells']:5}",
        "of these labelled": f"{slide['labelled'].sum():5}",
        **{str(row["type"]): _share(row) for _, row in slide.iterrows()},
        "all types": f"{slide['percent'].sum():5.1f} %",
        **{name: f"{first[column]:5}" for column, name in NOT_COUNTED.items()},
    }


def _block(slides: list[dict[str, str]], names: int, width: int) -> str:
    """Some slides next to each other; ``names``, ``width``: characters of the first and of each other column."""
    lines = (
        f"{name:{names}}" + "".join(f"{'':{GAP}}{slide[name]:<{width - GAP}}" for slide in slides) for name in slides[0]
    )
    return "\n".join(line.rstrip() for line in lines)


def _share(row: pd.Series) -> str:
    return "" if np.isnan(row["percent"]) else f"{row['percent']:5.1f} % ({row['low']:5.1f} to {row['high']:5.1f})"
