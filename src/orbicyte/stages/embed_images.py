"""embed: a trained network and a folder of patches -> one .h5ad file, which scanpy opens."""

from pathlib import Path

import pandas as pd

from orbicyte.data.images import names_within, patch_files, readable_patches
from orbicyte.embedding import BATCH, joined, load, write_h5ad
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track
from orbicyte.study.runs import PRETRAINED


def embed_images(
    images: Path | str, *, out: Path | str, model: Path | str = PRETRAINED, mpp: float | None = None
) -> Path:
    """Embed each patch in the folder ``images``, or the one patch, and return the file written: ``out``, an .h5ad.

    ``model``: a run folder, or ``pretrained`` for the shipped network; ``mpp``: µm per pixel of the patches, None if
    not known. One row per image that can be read: ``X``, ``layers["log_variance"]`` and the columns ``file`` (within
    the folder) and, for networks that find it, ``angle_deg`` and ``angle_confidence``. Files that cannot be read are
    left out, with a warning. Raises ``OrbicyteError`` if none can, and for a model that cannot be loaded.
    """
    images, embedder = Path(images), load(model)
    files, step = patch_files(images), embedder.chunk(BATCH)
    kept: list[Path] = []
    parts = [
        embedder.embed_stored(embedder.prepare(readable_patches(files[i : i + step], kept), mpp))
        for i in track(range(0, len(files), step), f"embedding {len(files)} cells")
    ]
    if not kept:
        raise OrbicyteError(f"none of the {len(files)} images in {images} could be read")
    # File names that are not valid Unicode are written with replacement characters: HDF5 has no other way.
    names = [name.encode(errors="replace").decode() for name in names_within(images, kept)]
    observations = pd.DataFrame({"file": names}, index=pd.Index(map(str, range(len(kept)))))
    write_h5ad(Path(out), embedder, joined(parts, embedder.network.latent_size), observations)
    print_line(f"{len(kept)} cells embedded with {model}: {out}")
    return Path(out)
