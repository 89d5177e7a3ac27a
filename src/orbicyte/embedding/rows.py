"""Embeddings as rows of numbers on the disk, kept while they are computed (``AppendedRows``).

A row: mean (D), log variance (D), angle in radians and its confidence, NaN where the network gives none, and 1; for an
image that could not be read all numbers are 0.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from orbicyte.arrays import Flags, Floats, Rows
from orbicyte.data.patches import PatchStore
from orbicyte.embedding.embedder import Embedder, Embedding
from orbicyte.prefetch import in_one_thread
from orbicyte.study.appended import AppendedRows
from orbicyte.study.reading import sha256_of


def embedded_rows(folder: Path, embedder: Embedder, embeddings: int = 1, **about: Any) -> AppendedRows:
    """The rows in ``folder`` of the same network and the same ``about``, else none.

    ``embeddings``: of each cell, such as one at each angle; ``about``: the cells, and everything else that the
    embeddings depend on, as JSON.
    """
    record = embedder.record
    network = {"run": asdict(record.key), "weights": sha256_of(embedder.folder.weights), "view": asdict(record.view)}
    width = embeddings * (2 * embedder.network.latent_size + 3)
    return AppendedRows(folder, width, {**network, "version": record.versions["orbicyte"], **about})


def embed_patches(rows: AppendedRows, embedder: Embedder, store: PatchStore) -> Iterator[int]:
    """Append the embeddings of the patches that ``rows`` lacks; yield the number of rows after each batch."""
    starts = range(len(rows), len(store), embedder.batch)
    for images in in_one_thread(lambda start: store.images.read(start, start + embedder.batch), starts):
        rows.append(as_rows(embedder.embed_stored(images)))
        yield len(rows)


def as_rows(embedding: Embedding, is_read: Flags | None = None) -> Floats:
    """The rows of N images.

    ``is_read`` (N,): False for images that could not be read; ``embedding`` is that of the others.
    """
    absent = np.full(len(embedding.mean), np.nan, np.float32)
    angle, confidence = (absent if found is None else found for found in (embedding.angle_rad, embedding.confidence))
    rows = np.column_stack((embedding.mean, embedding.log_variance, angle, confidence, np.ones_like(absent)))
    if is_read is None:
        return rows
    all_rows = np.zeros((len(is_read), rows.shape[1]), np.float32)
    all_rows[is_read] = rows
    return all_rows


def of_rows(rows: Floats) -> Embedding:
    """The embedding in rows (..., 2 D + 3): its arrays have the same leading axes."""
    size = (rows.shape[-1] - 3) // 2
    angle, confidence = (None if np.isnan(rows[..., at]).all() else rows[..., at] for at in (2 * size, 2 * size + 1))
    return Embedding(rows[..., :size], rows[..., size : 2 * size], angle, confidence)


def which_read(rows: AppendedRows) -> Rows:
    """The numbers of the images that could be read: (n,)."""
    return np.flatnonzero(np.concatenate([np.zeros(0, np.bool_), *(chunk[:, -1] > 0 for chunk in rows.chunks())]))
