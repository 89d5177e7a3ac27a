"""embed: a trained network and the patches -> embeddings.h5ad, which scanpy opens."""

import math
from pathlib import Path

from orbicyte.embedding import Embedder
from orbicyte.embedding.export import write_h5ad
from orbicyte.embedding.observations import observations
from orbicyte.embedding.rows import embed_patches, embedded_rows
from orbicyte.progress import print_line, track
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.types import read_types
from orbicyte.text import number_of
from orbicyte.training.runs import trained_patches


def embed(study: Study | Path | str, run: Path | str, device: str | None = None) -> Path:
    """Embed every cell of ``study`` with the network of ``run``, one of its run folders; return the ``.h5ad``.

    ``X`` (cells, latent_size): the posterior mean; ``layers["log_variance"]``; ``obs``: the table of cells, with
    ``set`` (labelled, train, validation, test or left out), the predicted types if there are some and, for networks
    that estimate the angle of the cell, ``angle_deg``, in degrees, and ``angle_confidence``, from 0 to 1, for those
    that give it; ``uns["orbicyte"]``: network, weight, seed, fold, version, fingerprint of the patches. Existing
    embeddings are kept, also those of an interrupted call. ``device``: see ``Embedder``. Memory grows with the table of
    cells only. Raises ``OrbicyteError`` for a run that is not trained, or was trained on other patches.
    """
    study = Study.of(study)
    folder = RunFolder(study.run(run))
    with study.lock_run(folder.path):
        store = trained_patches(study, folder)
        if folder.done() and folder.embeddings.exists():
            print_line(f"{folder.name}: already embedded")
            return folder.embeddings
        embedder = Embedder(folder, device)
        with embedded_rows(folder.embedded, embedder, patches=store.fingerprint) as rows:
            if len(rows):
                print_line(f"{folder.name}: continues after {len(rows)} of {len(store)} cells")
            parts = math.ceil((len(store) - len(rows)) / embedder.batch)
            done = embed_patches(rows, embedder, store)
            for _ in track(done, f"embedding {number_of(len(store), 'cell')} with {folder.name}, parts", parts):
                pass
            write_h5ad(folder.embeddings, embedder, rows, observations(store, embedder.record, read_types(study)))
        rows.discard()
    return folder.embeddings
