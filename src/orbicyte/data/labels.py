"""Tables of image files and their labels, in the forms that spreadsheets and other programs write."""

import codecs
import csv
import io
import math
from pathlib import Path

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import MIB, read_bytes

TEXT_BYTES = 256 * MIB
"""Largest table of labels: several million lines."""

FILE = (
    *("file", "filename", "file_name", "image", "image_file", "image_name", "image_path", "image_id", "img"),
    *("path", "filepath", "file_path", "patch", "name"),
)
LABEL = (*("label", "labels", "class", "class_name", "type", "cell_type", "celltype", "cell_class", "category"),)
OPTIONAL = {"slide": ("slide", "slide_id"), "patient": ("patient", "patient_id"), "mpp": ("mpp",)}
DELIMITERS = ",;\t"


def read_labels(path: Path, file_column: str | None = None, label_column: str | None = None) -> pd.DataFrame:
    """The table in ``path`` with the columns file, label, and slide, patient, mpp if present.

    Text is stripped; empty fields are None (mpp, µm per pixel: NaN). Comma, semicolon or tab; UTF-8, UTF-16 or
    cp1252; common names of the first two columns are recognised in any case. Raises ``OrbicyteError`` with the columns
    found, or the number of the wrong line.
    """
    header, rows = read_rows(path)
    file_at = _column(path, header, file_column, FILE, "file names", "--file-column")
    label_at = _column(path, header, label_column, LABEL, "labels", "--label-column")
    table = pd.DataFrame({"file": [row[file_at] for _, row in rows]}, dtype=object)
    table["label"] = pd.Series([row[label_at] or None for _, row in rows], dtype=object)
    for name, known in OPTIONAL.items():
        at = find_column(header, known)
        if at is not None and name == "mpp":
            table["mpp"] = [mpp_value(path, line, row[at]) for line, row in rows]
        elif at is not None:
            table[name] = pd.Series([row[at] or None for _, row in rows], dtype=object)
    for line, row in rows:
        if not row[file_at]:
            raise OrbicyteError(f"{path} line {line}: no file name in column {header[file_at]!r}")
    return table


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty, each with its line number and with the length of the header.

    Raises ``OrbicyteError`` for a file without a table, with the number of the wrong line.
    """
    text = read_text(path)
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


def read_text(path: Path) -> str:
    """The content of a text file in UTF-8, UTF-16 or cp1252. Raises ``OrbicyteError`` for any other file."""
    raw = read_bytes(path, TEXT_BYTES)
    for encoding in _encodings(raw):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise OrbicyteError(f"{path} is not text: save it in UTF-8")


def _encodings(raw: bytes) -> tuple[str, ...]:
    if raw.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if raw[1:2] == b"\0":
        return ("utf-16-le",)
    if raw[:1] == b"\0":
        return ("utf-16-be",)
    return ("utf-8", "cp1252")


def _delimiter(text: str) -> str:
    """The delimiter given in Excel's first line, else the one that splits the header into the most columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and first[4:5] in DELIMITERS:
        return first[4:5] or ","
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))


def find_column(header: list[str], known: tuple[str, ...]) -> int | None:
    """The index of the first of the ``known`` names that is a column, ignoring case, spaces and hyphens; or None."""
    plain = [name.lower().replace(" ", "_").replace("-", "_") for name in header]
    return next((plain.index(name) for name in known if name in plain), None)


def _column(path: Path, header: list[str], asked: str | None, known: tuple[str, ...], what: str, option: str) -> int:
    lower = [name.lower() for name in header]
    if asked is not None and asked in header:
        return header.index(asked)
    at = find_column(header, known) if asked is None else None
    if asked is not None and asked.strip().lower() in lower:
        at = lower.index(asked.strip().lower())
    if at is None:
        missing = f"no column of {what}" if asked is None else f"no column {asked!r}"
        raise OrbicyteError(f"{path} has {missing}: found {', '.join(map(repr, header))}; give {option} NAME")
    return at


def mpp_value(path: Path, line: int, text: str) -> float:
    """µm per pixel from one entry, NaN for an empty one. Raises ``OrbicyteError`` with the line number."""
    if not text:
        return math.nan
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise OrbicyteError(f"{path} line {line}: mpp must be a positive number of µm per pixel, got {text!r}")
    return value
