"""Tables of image files and their labels, in the forms that spreadsheets and other programs write."""

import csv
import io
import math
from collections import Counter
from pathlib import Path

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.study.reading import read_text
from orbicyte.text import clean, comparable, given

FILE = (
    *("file", "filename", "file_name", "image", "image_file", "image_name", "image_path", "image_id", "img"),
    *("path", "filepath", "file_path", "patch", "name"),
)
LABEL = (*("label", "labels", "class", "class_name", "type", "cell_type", "celltype", "cell_class", "category"),)
OPTIONAL = {"slide": ("slide", "slide_id"), "patient": ("patient", "patient_id"), "mpp": ("mpp",)}
UNLABELLED = ("unlabelled", "unlabeled", "unknown")
"""Names, in lower case, that stand for no label: of a folder as in a table."""
DELIMITERS = ",;\t"


def read_labels(
    path: Path, file_column: str | None = None, label_column: str | None = None, encoding: str | None = None
) -> pd.DataFrame:
    """The table in ``path`` with the columns file, label, and slide, patient, mpp if present.

    Missing values (see ``orbicyte.text.given``, for labels also ``UNLABELLED``) are None (mpp, µm per pixel: NaN).
    Comma, semicolon or tab; encodings as in ``orbicyte.text.decode``; common names of the first two columns are
    recognised in any case. Raises ``OrbicyteError`` with the columns found, or the number of the wrong line.
    """
    header, rows = read_rows(path, encoding)
    file_at = _column(path, header, file_column, FILE, "file names", "--file-column")
    label_at = _column(path, header, label_column, LABEL, "labels", "--label-column")
    table = pd.DataFrame({"file": [row[file_at] for _, row in rows]}, dtype=object)
    table["label"] = pd.Series([label_of(row[label_at]) for _, row in rows], dtype=object)
    for name, known in OPTIONAL.items():
        at = find_column(header, known)
        if at is not None and name == "mpp":
            table["mpp"] = [mpp_value(path, line, row[at]) for line, row in rows]
        elif at is not None:
            table[name] = pd.Series([given(row[at]) for _, row in rows], dtype=object)
    for line, row in rows:
        if given(row[file_at]) is None:
            raise OrbicyteError(f"{path} line {line}: no file name in column {header[file_at]!r}")
    words = Counter(row[label_at] for _, row in rows if row[label_at] and label_of(row[label_at]) is None)
    if words:
        counts = ", ".join(f"{word!r} {count}" for word, count in words.items())
        print_line(f"{path}: read as no label: {counts}")
    return table


def label_of(text: str) -> str | None:
    """The cell type that a folder's name or a field of a table states; None for a missing one and ``UNLABELLED``."""
    label = given(text)
    return None if label is None or label.casefold() in UNLABELLED else label


def read_rows(path: Path, encoding: str | None = None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty, each with its line number and with the length of the header.

    Raises ``OrbicyteError`` for a file without a table, with the number of the wrong line.
    """
    text = read_text(path, encoding)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not (reader.line_num == 1 and text.lower().startswith("sep=")):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise OrbicyteError(f"{path} line {reader.line_num}: {error}") from None
    if not rows:
        raise OrbicyteError(f"{path} is empty: expected a table with column names in the first line")
    header = rows.pop(0)[1]
    for line, row in rows:
        if any(row[len(header) :]):
            raise OrbicyteError(f"{path} line {line}: {len(row)} values, but {len(header)} column names")
        row += [""] * (len(header) - len(row))
    return header, rows


def _delimiter(text: str) -> str:
    """The delimiter given in Excel's first line, else the one that splits the header into the most columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and first[4:5] in DELIMITERS:
        return first[4:5] or ","
    return max(DELIMITERS, key=lambda delimiter: _columns(first, delimiter))


def _columns(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:  # a very long field
        return 1


def find_column(header: list[str], known: tuple[str, ...]) -> int | None:
    """The index of the first of the ``known`` names that is a column, ignoring case, spaces and hyphens; or None."""
    plain = [comparable(name) for name in header]
    return next((plain.index(comparable(name)) for name in known if comparable(name) in plain), None)


def _column(path: Path, header: list[str], asked: str | None, known: tuple[str, ...], what: str, option: str) -> int:
    exact = [clean(name) for name in header]
    if asked is not None and clean(asked) in exact:
        return exact.index(clean(asked))
    at = find_column(header, known if asked is None else (asked,))
    if at is None:
        missing = f"no column of {what}" if asked is None else f"no column {asked!r}"
        raise OrbicyteError(f"{path} has {missing}: found {', '.join(map(repr, header))}; give {option} NAME")
    return at


def mpp_value(path: Path, line: int, text: str) -> float:
    """µm per pixel from one entry, NaN for a missing one. Raises ``OrbicyteError`` with the line number."""
    if given(text) is None:
        return math.nan
    try:
        value = float(clean(text).replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise OrbicyteError(f"{path} line {line}: mpp must be a positive number of µm per pixel, got {text!r}")
    return value
