"""Matching of the rows of a table to image files."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from orbicyte.data.images import SUFFIXES
from orbicyte.errors import OrbicyteError
from orbicyte.text import examples_of, file_name


def match(files: Sequence[Path], names: Sequence[str]) -> list[int | None]:
    """The index of the file for each name, or None.

    ``files`` are relative to their folder; a name may be a path of any operating system, absolute or relative, with or
    without its extension. Matched by relative path, then by file name, then by file name without extension; if several
    files have that name, by the folders before it. Raises ``OrbicyteError`` if several files still match.
    """
    paths = [_plain(file.as_posix()) for file in files]
    exact = {path: index for index, path in enumerate(paths)}
    by_name, by_stem = _index(paths), _index([path.with_suffix("") for path in paths])

    def find(name: str) -> int | None:
        wanted = _plain(name.replace("\\", "/"))
        if wanted in exact:
            return exact[wanted]
        bare = wanted.with_suffix("") if wanted.suffix.lower() in SUFFIXES else wanted
        for index, path in ((by_name, wanted), (by_stem, wanted), (by_stem, bare)):
            found = _closest(index.get(path.name, []), path)
            if len(found) > 1:
                some = examples_of([files[at].as_posix() for _, at in found])
                raise OrbicyteError(f"{name!r} matches {len(found)} files ({some}): add the folder in the table")
            if found:
                return found[0][1]
        return None

    return [find(name) for name in names]


def attach(files: Sequence[Path], table: pd.DataFrame, source: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of ``table`` (see ``read_labels``) in the order of ``files``, and the rows that match no file.

    Files without a row get an empty one. Raises ``OrbicyteError`` if two rows match one file and differ.
    """
    matched = match(files, list(table["file"]))
    found = pd.Series(matched, index=table.index, dtype="Int64")
    rows = table.drop(columns="file").assign(at=found).dropna(subset=["at"]).drop_duplicates()
    for at, several in rows[rows["at"].duplicated(keep=False)].groupby("at"):
        column = next(name for name in several.columns if several[name].nunique(dropna=False) > 1)
        values = " and ".join(repr(value) for value in several[column].unique())
        raise OrbicyteError(f"{source}: {files[int(str(at))].as_posix()} is listed with different {column}: {values}")
    return rows.set_index("at").reindex(range(len(files))), table[found.isna()]


Found = tuple[PurePosixPath, int]


def _plain(path: str) -> PurePosixPath:
    return PurePosixPath(file_name(path))


def _index(paths: Sequence[PurePosixPath]) -> dict[str, list[Found]]:
    by_name: dict[str, list[Found]] = defaultdict(list)
    for at, path in enumerate(paths):
        by_name[path.name].append((path, at))
    return by_name


def _closest(found: list[Found], wanted: PurePosixPath) -> list[Found]:
    """Of several files with the same name, those that share the most folders with ``wanted``, counted from the end."""
    shared = [_shared(path, wanted) for path, _ in found]
    return [candidate for candidate, count in zip(found, shared, strict=True) if count == max(shared)]


def _shared(path: PurePosixPath, wanted: PurePosixPath) -> int:
    pairs = zip(path.parts[::-1], wanted.parts[::-1], strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(len(path.parts), len(wanted.parts)))
