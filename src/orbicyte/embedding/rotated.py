"""Embeddings of some cells at several angles."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from orbicyte.arrays import Rows
from orbicyte.data.patches import PatchStore
from orbicyte.embedding.embedder import Embedder, Embedding
from orbicyte.embedding.rows import as_rows, embedded_rows, of_rows
from orbicyte.progress import print_line, track
from orbicyte.text import number_of


def embed_rotated(
    folder: Path, embedder: Embedder, store: PatchStore, cells: Rows, angles_deg: Sequence[float]
) -> Embedding:
    """Embed the ``cells`` (N,) of ``store`` at A angles in degrees: arrays (A, N, D) and (A, N).

    Patches are rotated at the stored resolution, then resized. What an interrupted call has computed is kept in
    ``folder``, from which the same call continues; the caller removes it.
    """
    about = {
        "patches": store.fingerprint,
        "cells": hashlib.sha256(np.ascontiguousarray(cells, "<i8").data).hexdigest(),
        "angles_deg": list(angles_deg),
    }
    with embedded_rows(folder, embedder, len(angles_deg), **about) as rows:
        if len(rows):
            print_line(f"continues after {len(rows)} of {len(cells)} rotated cells")
        starts = range(len(rows), len(cells), embedder.batch)
        for start in track(starts, f"rotating {number_of(len(cells), 'cell')} by {len(angles_deg)} angles, parts"):
            images = store.images[cells[start : start + embedder.batch]]
            at_angles = [as_rows(embedding) for embedding in embedder.embed_rotated(images, angles_deg)]
            rows.append(np.concatenate(at_angles, axis=1))
        found = rows.read(0, len(cells))
    return of_rows(found.reshape(len(cells), len(angles_deg), -1).transpose(1, 0, 2))
