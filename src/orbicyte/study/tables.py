"""Parquet files of the study, read with known columns and in bounded memory."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import MIB, require_file

SLACK_BYTES, RATIO = 64 * MIB, 20
"""A table may take this much memory, plus this many times the bytes of its file: ids and positions hardly compress."""
LONGEST_TEXT = 10_000
"""Characters of one text; paths of files have up to 4,096."""


def read_table(
    path: Path, schema: pa.Schema, advice: str, columns: Sequence[str] | None = None, optional: Collection[str] = ()
) -> pd.DataFrame:
    """The columns of ``schema``, or some ``columns`` of it, of the Parquet file ``path``.

    Those in ``optional`` may be absent, and are then missing in all rows. Raises ``OrbicyteError`` with ``advice`` if
    the file is damaged, lacks a column, has one of another type, or would take much more memory than its size explains.
    """
    size = require_file(path)
    wanted = [schema.field(name) for name in (columns if columns is not None else schema.names)]
    try:
        found = pq.read_schema(path)
        there = [field for field in wanted if _is_there(found, field, optional)]
        texts = [field.name for field in there if _is_text(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True) as file:
            _check_size(file, [field.name for field in there], size)
            table = file.read([field.name for field in there]).unify_dictionaries()
        values = {field.name: _values(table.column(field.name).combine_chunks(), field) for field in there}
    except (OSError, ValueError, TypeError, KeyError, IndexError, MemoryError, pa.ArrowException) as error:
        raise OrbicyteError(f"{path} is damaged ({_line(error)}): {advice}") from error
    absent = {field.name: pa.nulls(len(table), field.type).to_pandas() for field in wanted if field not in there}
    return pd.DataFrame({field.name: {**values, **absent}[field.name] for field in wanted})


def column_types(path: Path, advice: str) -> pa.Schema:
    """The names and types of the columns of the Parquet file ``path``, with its metadata. Raises as ``read_table``."""
    require_file(path)
    try:
        return pq.read_schema(path)
    except (OSError, ValueError, TypeError, KeyError, MemoryError, pa.ArrowException) as error:
        raise OrbicyteError(f"{path} is damaged ({_line(error)}): {advice}") from error


def require(holds: Any, path: Path, expected: str, advice: str) -> None:
    """Raise ``OrbicyteError`` with ``advice`` unless a condition ``holds`` for all rows of the table in ``path``."""
    if not np.all(holds):
        at = f", row {np.flatnonzero(~np.asarray(holds, bool))[0]}" if np.ndim(holds) else ""
        raise OrbicyteError(f"{path} is damaged: expected {expected}{at}; {advice}")


def _is_there(found: pa.Schema, wanted: pa.Field, optional: Collection[str]) -> bool:
    number = len(found.get_all_field_indices(wanted.name))
    if number == 0 and wanted.name in optional:
        return False
    if number != 1:
        raise ValueError(f"it has {number or 'no'} columns {wanted.name!r}")
    kind = found.field(wanted.name).type
    if not _fits(kind, wanted.type):
        raise ValueError(f"column {wanted.name!r} has type {kind}, expected {wanted.type}")
    return True


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of the type ``found`` can be values of ``wanted`` without parsing or loss."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_null(found):
        return True
    if pa.types.is_list(wanted):
        is_list = bool(pa.types.is_list(found) or pa.types.is_large_list(found))
        return is_list and _fits(found.value_type, wanted.value_type)
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if pa.types.is_floating(wanted):
        return bool(pa.types.is_floating(found) or pa.types.is_integer(found))
    kinds = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_binary)
    return any(is_kind(wanted) and is_kind(found) for is_kind in kinds)


def _check_size(file: pq.ParquetFile, names: Collection[str], size: int) -> None:
    """Raise ``ValueError`` if the columns ``names`` take too much memory for a file of ``size`` bytes."""
    total, about = 0, file.metadata
    for group in range(about.num_row_groups):
        rows = about.row_group(group)
        for number in range(rows.num_columns):
            column = rows.column(number)
            if column.path_in_schema.partition(".")[0] in names:
                total += 8 * column.num_values  # texts are read as numbers of their distinct values
                total += column.total_uncompressed_size if column.physical_type == "BYTE_ARRAY" else 0
    if total > SLACK_BYTES + RATIO * size:
        raise ValueError(f"it has {size / MIB:.1f} MiB, but its values take {total / MIB:,.0f} MiB")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _values(column: pa.Array, wanted: pa.Field) -> Any:
    """The values of a column as pandas has them; equal texts are one object."""
    if not pa.types.is_dictionary(column.type):
        return column.cast(wanted.type).to_pandas()
    distinct = column.dictionary.cast(wanted.type).to_pylist()
    if any(len(text) > LONGEST_TEXT for text in distinct if text is not None):
        raise ValueError(f"column {wanted.name!r} has texts of more than {LONGEST_TEXT:,} characters")
    distinct = np.array([*distinct, None], dtype=object)
    return distinct[column.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
