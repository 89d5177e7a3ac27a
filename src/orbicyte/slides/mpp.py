"""µm per pixel from a table, for slides whose files do not contain it."""

import math
from collections.abc import Mapping
from pathlib import Path

from orbicyte.data.labels import FILE, find_column, mpp_value, read_rows
from orbicyte.errors import OrbicyteError
from orbicyte.text import file_name, given

COLUMNS = ("slide", "slide_id", *FILE)


def read_mpp_csv(path: Path | str, encoding: str | None = None) -> dict[str, float]:
    """µm per pixel by file, from a table with the columns file (a path, a name, or a name without suffix) and mpp.

    Raises ``OrbicyteError`` with the columns found, or the number of the wrong line.
    """
    path = Path(path)
    header, rows = read_rows(path, encoding)
    file_at, mpp_at = find_column(header, COLUMNS), find_column(header, ("mpp",))
    if file_at is None or mpp_at is None:
        raise OrbicyteError(f"{path} needs the columns file and mpp: found {', '.join(map(repr, header))}")
    table: dict[str, float] = {}
    for line, row in rows:
        value = mpp_value(path, line, row[mpp_at])
        if given(row[file_at]) is None or math.isnan(value):
            raise OrbicyteError(
                f"{path} line {line}: expected a file and its µm per pixel, got {', '.join(map(repr, row))}"
            )
        file = file_name(row[file_at])
        if table.setdefault(file, value) != value:
            raise OrbicyteError(f"{path} line {line}: {file} has {table[file]:g} above, {value:g} here")
    return table


def table_mpp(table: Mapping[str, float], slide: Path) -> float | None:
    """µm per pixel of ``slide`` in ``table``; None if it is not there.

    Found by its path, else by the end of its path (``ward/a.svs``, then ``a.svs``), else by its name without suffix;
    for a link then by those of its target.
    """
    keys = (key for path in (slide, slide.resolve()) for key in map(file_name, _keys(path)))
    return next((table[key] for key in keys if key in table), None)


def _keys(slide: Path) -> list[str]:
    parts = slide.absolute().parts
    ends = ["/".join(parts[start:]) for start in range(1, len(parts))]
    return [str(slide), slide.as_posix(), str(slide.absolute()), *ends, slide.stem]
