"""embed: a trained network and a folder of patches -> one .h5ad file, which scanpy opens."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Flags, Pixels
from orbicyte.data.images import left_out, names_within, none_readable, patch_files, readable_patches
from orbicyte.data.reading import value_ranges
from orbicyte.embedding import load
from orbicyte.embedding.export import write_h5ad
from orbicyte.embedding.rows import as_rows, embedded_rows, which_read
from orbicyte.errors import OrbicyteError
from orbicyte.prefetch import in_one_thread
from orbicyte.progress import print_line, track
from orbicyte.study.files import check_writable
from orbicyte.study.runs import PRETRAINED
from orbicyte.text import number_of


def embed_images(
    images: Path | str,
    *,
    out: Path | str,
    model: Path | str = PRETRAINED,
    mpp: float | None = None,
    value_range: tuple[float, float] | None = None,
    device: str | None = None,
) -> Path:
    """Embed each patch in the folder ``images``, or the one patch, and return the file written: ``out``, an .h5ad.

    ``model``: a run folder, or ``pretrained`` for the shipped network; ``mpp``: µm per pixel of the patches, None if
    not known; ``value_range``: black and white of images of more than 8 bits, by default decided from all of them (see
    ``orbicyte.data.values``); ``device``: see ``Embedder``. One row per
    image that can be read: ``X``, ``layers["log_variance"]`` and the columns
    ``file`` (within the folder) and, for networks that find it, ``angle_deg`` and ``angle_confidence``. Files that
    cannot be read are left out, with a warning. An interrupted call is continued by the same call. Raises
    ``OrbicyteError`` if no file can be read, for a model that cannot be loaded, and, before any work, if ``out`` cannot
    be written.
    """
    images, out, embedder = Path(images), Path(out), load(model, device)
    files = patch_files(images)
    check_writable(out, ".h5ad")
    names, ranges = names_within(images, files), value_ranges(files, value_range)
    unfinished = out.with_name(f".{out.name}.embedded")

    def read(start: int) -> tuple[Pixels, Flags]:
        some, kept = files[start : start + embedder.batch], list[Path]()
        patches = embedder.prepare(readable_patches(some, kept, ranges), mpp)
        return patches, np.array([file in kept for file in some])

    with embedded_rows(unfinished, embedder, files=_fingerprint(files, names), mpp=mpp, ranges=str(ranges)) as rows:
        if len(rows):
            print_line(f"continues after {len(rows)} of {len(files)} images")
        starts = range(len(rows), len(files), embedder.batch)
        for patches, is_read in track(
            in_one_thread(read, starts), f"embedding {number_of(len(files), 'cell')}, parts", len(starts)
        ):
            rows.append(as_rows(embedder.embed_stored(patches), is_read))
        kept = which_read(rows)
        if len(kept):
            # File names that are not valid Unicode are written with replacement characters: HDF5 has no other way.
            known = [names[at].encode(errors="replace").decode() for at in kept]
            write_h5ad(out, embedder, rows, pd.DataFrame({"file": known}, index=pd.Index(known)))
    rows.discard()
    if not len(kept):
        raise OrbicyteError(none_readable(images, len(files)))
    print_line(f"{number_of(len(kept), 'cell')} embedded with {model}{left_out(len(files) - len(kept))}: {out}")
    return out


def _fingerprint(files: list[Path], names: list[str]) -> str:
    """Depends on the names, sizes and times of the files."""
    digest = hashlib.sha256()
    for file, name in zip(files, names, strict=True):
        status = file.stat() if file.exists() else None  # a link to nothing is left out later
        digest.update(repr((name, status and (status.st_size, status.st_mtime_ns))).encode())
    return digest.hexdigest()
