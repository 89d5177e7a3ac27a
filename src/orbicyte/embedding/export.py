"""Embeddings as an .h5ad file, which scanpy opens."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Floats
from orbicyte.embedding.embedder import Embedder
from orbicyte.embedding.rows import of_rows
from orbicyte.study.appended import AppendedRows
from orbicyte.study.files import replacing

ARRAY = {"encoding-type": "array", "encoding-version": "0.2.0"}
"""The attributes of an array in an .h5ad."""


def write_h5ad(path: Path, embedder: Embedder, rows: AppendedRows, observations: pd.DataFrame) -> None:
    """Write embeddings as AnnData, completely or not at all, and in memory that does not depend on their number.

    ``observations``: one row per image that could be read, with text as index; the angle and its confidence are added.
    """
    from anndata import AnnData  # 3 s, needed only here
    from h5py import File

    size, record = embedder.network.latent_size, embedder.record
    var = pd.DataFrame(index=[f"z{i}" for i in range(size)])
    data = AnnData(obs=observations.assign(**_poses(rows, size)), var=var)
    about = asdict(record.key) | {
        "version": record.versions["orbicyte"],
        "data_fingerprint": record.data.fingerprint,
    }
    data.uns["orbicyte"] = {name: value for name, value in about.items() if value is not None}
    with replacing(path) as temporary:
        data.write_h5ad(temporary)
        with File(temporary, "r+") as file:
            for name, first in (("X", 0), ("layers/log_variance", size)):
                array = file.create_dataset(name, (len(observations), size), np.float32)
                array.attrs.update(ARRAY)
                at = 0
                for chunk in _chunks(rows):
                    array[at : at + len(chunk)] = chunk[:, first : first + size]
                    at += len(chunk)


def _poses(rows: AppendedRows, size: int) -> dict[str, Floats]:
    """The columns of the table of cells for what the network finds: angle and confidence."""
    nothing = np.zeros((0, 2 * size + 3), np.float32)
    parts = [chunk[:, 2 * size :] for chunk in (nothing, *_chunks(rows))]
    found = of_rows(np.concatenate(parts))
    columns = {} if found.angle_rad is None else {"angle_deg": np.degrees(found.angle_rad)}
    return columns if found.confidence is None else {**columns, "angle_confidence": found.confidence}


def _chunks(rows: AppendedRows) -> Iterator[Floats]:
    """The rows of images that could be read."""
    for chunk in rows.chunks():
        yield chunk[chunk[:, -1] > 0]
