"""embed: a trained network and a folder of patches -> one .h5ad file, which scanpy opens."""

from pathlib import Path

import pandas as pd

from orbicyte.data.images import names_within, patch_files, readable_patches
from orbicyte.data.reading import value_ranges
from orbicyte.embedding import BATCH, in_chunks, joined, load, write_h5ad
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track
from orbicyte.study.files import check_writable
from orbicyte.study.runs import PRETRAINED


def embed_images(
    images: Path | str,
    *,
    out: Path | str,
    model: Path | str = PRETRAINED,
    mpp: float | None = None,
    value_range: tuple[float, float] | None = None,
) -> Path:
    """Embed each patch in the folder ``images``, or the one patch, and return the file written: ``out``, an .h5ad.

    ``model``: a run folder, or ``pretrained`` for the shipped network; ``mpp``: µm per pixel of the patches, None if
    not known; ``value_range``: black and white of images of more than 8 bits, by default decided from all of them (see
    ``orbicyte.data.values``). One row per image that can be read: ``X``, ``layers["log_variance"]`` and the columns
    ``file`` (within the folder) and, for networks that find it, ``angle_deg`` and ``angle_confidence``. Files that
    cannot be read are left out, with a warning. Raises ``OrbicyteError`` if none can, for a model that cannot be
    loaded, and, before any work, if ``out`` cannot be written.
    """
    images, embedder = Path(images), load(model)
    files = patch_files(images)
    check_writable(Path(out))
    ranges = value_ranges(files, value_range)
    kept: list[Path] = []
    parts = [
        embedder.embed_stored(embedder.prepare(readable_patches(files[chunk], kept, ranges), mpp))
        for chunk in track(in_chunks(len(files), embedder.chunk(BATCH)), f"embedding {len(files)} cells, parts")
    ]
    if not kept:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    # File names that are not valid Unicode are written with replacement characters: HDF5 has no other way.
    names = [name.encode(errors="replace").decode() for name in names_within(images, kept)]
    observations = pd.DataFrame({"file": names}, index=pd.Index(map(str, range(len(kept)))))
    write_h5ad(Path(out), embedder, joined(parts, embedder.network.latent_size), observations)
    print_line(f"{len(kept)} cells embedded with {model}: {out}")
    return Path(out)
