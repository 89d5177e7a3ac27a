"""The cells in a user's folders: different layouts of folders and tables, converted to one list of files.

Three layouts: a folder and a table that lists some of its files; ``DIR/<type>/*.png``; a folder of labelled and
another of unlabelled files, which may be called ``DIR/labelled`` and ``DIR/unlabelled``.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.images import SUFFIXES, list_images
from orbicyte.data.labels import label_of, read_labels
from orbicyte.data.matching import attach
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn
from orbicyte.text import warn_of_similar

ON_LEVEL_SHARE = 0.9
"""Least share of the files in sub-folders that are on a level whose folders may be the types."""
COLUMNS = ["root", "file", "label", "slide", "patient", "mpp"]


@dataclass(frozen=True)
class Layout:
    """The paths of the images and the table; ``labels`` None: the names of sub-folders are the labels.

    ``label_level``: of these sub-folders, 1 for those directly in ``folder``; None: the only level that can be it.
    ``encoding``: of the table, see ``orbicyte.text.decode``.
    """

    folder: Path
    labels: Path | None = None
    unlabelled: Path | None = None
    file_column: str | None = None
    label_column: str | None = None
    label_level: int | None = None
    encoding: str | None = None


def list_cells(layout: Layout) -> pd.DataFrame:
    """One row per file: root (folder), file (relative to it), label, slide, patient (or None), mpp (or NaN).

    Raises ``OrbicyteError`` for missing and empty folders, tables that cannot be read or matched, and folders of which
    two levels may be the types.
    """
    layout = _recognised(layout)
    files, others = _images(layout)
    if layout.labels is None:
        cells = _of_subfolders(layout, files)
        more = pd.DataFrame(index=range(len(others)))
    else:
        cells, more = _of_table(layout, layout.labels, files, others)
    tables = [_complete(layout.folder, files, cells)]
    if layout.unlabelled is not None:
        tables.append(_complete(layout.unlabelled, others, more))
    listing = pd.concat(tables, ignore_index=True)
    for column, what in (("label", "cell types"), ("slide", "slides"), ("patient", "patients")):
        warn_of_similar(listing[column].dropna(), what)
    if listing["label"].nunique() == 1:
        warn(f"all labels are {listing['label'].dropna().iloc[0]!r}: classification needs at least two types")
    return listing


def fingerprint(listing: pd.DataFrame) -> str:
    """Depends on the names, sizes and times of the files and on the table: how studies made before knew their files."""
    digest = hashlib.sha256()
    for row in listing.itertuples():
        path = Path(str(row.root), str(row.file))
        status = path.stat() if path.exists() else path.lstat()
        about = (row.file, row.label, row.slide, row.patient, row.mpp, status.st_size, status.st_mtime_ns)
        digest.update(repr(about).encode())
    return digest.hexdigest()


def shared(listing: pd.DataFrame) -> NDArray[np.bool_]:
    """True for unlabelled files whose slide or patient also has labelled ones: (N,)."""
    labelled = listing["label"].notna()
    found = pd.Series(False, index=listing.index)
    for column in ("slide", "patient"):
        found |= listing[column].isin(set(listing.loc[labelled, column].dropna()))
    return (found & ~labelled).to_numpy()


def _recognised(layout: Layout) -> Layout:
    """The layout, completed with folders and tables that have their usual names."""
    folder, labels, unlabelled = layout.folder, layout.labels, layout.unlabelled
    if not folder.is_dir():
        raise OrbicyteError(f"{folder} is not a folder: expected one with images")
    pair = _first(folder, "labelled", "labeled"), _first(folder, "unlabelled", "unlabeled")
    if unlabelled is None and pair[0] is not None and pair[1] is not None:
        labels = labels or _first(folder, "labelled.csv", "labeled.csv", "labels.csv")
        folder, unlabelled = pair[0], pair[1]
        print_line(f"labelled patches: {folder}, unlabelled patches: {unlabelled}")
    labels = labels or _first(folder, "labels.csv")
    if labels is not None and labels != layout.labels:
        print_line(f"labels: {labels}")
    if labels is not None and layout.label_level is not None:
        raise OrbicyteError(f"--label-level: labels are in the table {labels}, not in the names of folders")
    return replace(layout, folder=folder, labels=labels, unlabelled=unlabelled)


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _images(layout: Layout) -> tuple[list[Path], list[Path]]:
    """The files of both folders, relative to their own; one folder may be inside the other."""
    files = _found(layout.folder)
    if layout.unlabelled is None:
        return _relative(files, layout.folder), []
    others = _found(layout.unlabelled)
    here, there = layout.folder.resolve(), layout.unlabelled.resolve()
    if here == there:
        raise OrbicyteError(
            f"{layout.folder} is given for the labelled and for the unlabelled patches: give two folders"
        )
    if there.is_relative_to(here):
        files = [file for file in files if not file.resolve().is_relative_to(there)]
    if here.is_relative_to(there):
        others = [file for file in others if not file.resolve().is_relative_to(here)]
    return _relative(files, layout.folder), _relative(others, layout.unlabelled)


def _found(folder: Path) -> list[Path]:
    files = list_images(folder) if folder.is_dir() else []
    if not files:
        raise OrbicyteError(f"no images ({', '.join(SUFFIXES)}) in {folder}")
    return files


def _relative(files: list[Path], folder: Path) -> list[Path]:
    return [file.relative_to(folder) for file in files]


def _of_subfolders(layout: Layout, files: list[Path]) -> pd.DataFrame:
    folder = layout.folder
    level = layout.label_level or _label_level(folder, files)
    labels = [label_of(file.parts[level - 1]) if len(file.parts) > level else None for file in files]
    if not any(labels):
        tables = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in (".csv", ".tsv", ".txt"))
        hint = f"; did you mean --labels {tables[0]}?" if tables else ""
        warn(f"no labels: {folder} has no subfolders named after types, and --labels was not given{hint}")
    return pd.DataFrame({"label": pd.Series(labels, dtype=object)})


def _label_level(folder: Path, files: Sequence[Path]) -> int:
    """The level of sub-folders whose names are types: the only one with several names on which nearly all files are.

    Raises ``OrbicyteError`` if there are several such levels.
    """
    parents = [file.parts[:-1] for file in files if len(file.parts) > 1 and label_of(file.parts[0]) is not None]
    several: dict[int, list[str]] = {}
    for level in range(1, max(map(len, parents), default=0) + 1):
        count = Counter(parts[level - 1] for parts in parents if len(parts) >= level)
        if len(count) > 1 and count.total() >= ON_LEVEL_SHARE * len(parents):
            several[level] = [name for name, _ in count.most_common(3)]
    if len(several) > 1:
        examples = "; ".join(f"--label-level {level} for {', '.join(names)}, ..." for level, names in several.items())
        raise OrbicyteError(f"{folder} has {len(several)} levels of sub-folders that may be the types: give {examples}")
    level = next(iter(several), 1)
    if level > 1:
        print_line(f"types are the names of sub-folders of level {level} of {folder} (another: --label-level N)")
    return level


def _of_table(layout: Layout, source: Path, files: list[Path], others: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table's rows for the files of both folders; unlabelled files only match rows without a label."""
    table = read_labels(source, layout.file_column, layout.label_column, layout.encoding)
    cells, left = attach(files, table, source)
    more, without_file = attach(others, left[left["label"].isna()], source)
    missing = len(left) - (left["label"].isna().sum() - len(without_file))
    if missing == len(table):
        example = table["file"].iloc[0] if len(table) else "nothing"
        raise OrbicyteError(
            f"{source} and {layout.folder} have no file in common: the table has {example!r}, "
            f"the folder {files[0].as_posix()!r}"
        )
    if missing:
        warn(f"{missing} of {len(table)} rows of {source} match no file in {layout.folder}")
    if unlabelled := int(cells["label"].isna().sum()):
        print_line(f"{unlabelled} of {len(files)} files in {layout.folder} have no label in {source}")
    return cells, more


def _complete(folder: Path, files: list[Path], cells: pd.DataFrame) -> pd.DataFrame:
    names = [file.as_posix() for file in files]
    table = cells.assign(root=str(folder), file=names).reindex(columns=COLUMNS).astype({"mpp": float})
    text = table[["label", "slide", "patient"]].astype(object)
    table[["label", "slide", "patient"]] = text.where(text.notna(), None)
    return table
