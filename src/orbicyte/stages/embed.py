"""embed: a trained network and the patches -> embeddings.h5ad, which scanpy opens."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.data.patches import PatchStore
from orbicyte.embedding import BATCH, Embedder, Embedding, joined
from orbicyte.errors import OrbicyteError
from orbicyte.progress import say, track
from orbicyte.stages.train import training_fold
from orbicyte.study import Study, replacing
from orbicyte.training.run_folder import RunFolder


def embed(study: Study | Path | str, run: str) -> Path:
    """Embed every cell of the study with the run called ``run``; return the ``.h5ad``.

    ``X`` (cells, latent_size): the posterior mean; ``layers["log_variance"]``; ``obs``: the table of cells, with
    ``set`` (labelled, train, validation, test or left out) and, for networks with a pose, ``angle_deg``, the angle
    by which the cell is turned; ``uns["orbicyte"]``: run, version, fingerprint of the patches. Embeddings that are
    there are left alone.
    """
    study = Study.of(study)
    with study.lock():
        folder = RunFolder(study.run(run))
        if folder.done() and folder.embeddings.exists():
            say(f"{run}: already embedded")
            return folder.embeddings
        store, embedder = trained_patches(study, folder), Embedder(folder)
        starts = range(0, len(store.images), BATCH)
        parts = [embedder.stored(store.images[i : i + BATCH]) for i in track(starts, f"embedding with {run}")]
        _write(folder, joined(parts, embedder.network.latent_size), _observations(store, folder))
    return folder.embeddings


def trained_patches(study: Study, folder: RunFolder) -> PatchStore:
    """The study's patches. Raises ``OrbicyteError`` if the run was trained on others."""
    store = PatchStore.open(study.patches)
    if store.fingerprint != folder.record()["data"]["fingerprint"]:
        raise OrbicyteError(
            f"{folder.path} was trained on other patches than {study.patches}, or before cells were named, moved or "
            "added: delete it and train again"
        )
    return store


def _observations(store: PatchStore, folder: RunFolder) -> pd.DataFrame:
    """The table of cells as anndata stores it: text as categoricals, rows named by cell."""
    fold = training_fold(store, folder.settings(), folder.run().fold)
    sets: NDArray[np.object_] = np.full(len(store.cells), "left out", dtype=object)
    sets[store.labelled] = "labelled"
    for name in ("train", "validation", "test"):
        sets[getattr(fold, name)] = name
    table = store.cells.assign(set=sets)
    texts = [name for name in table.columns if table[name].dtype == object]
    table[texts] = table[texts].astype("category")
    return table.set_index(table["cell"].astype(str).rename(None))


def _write(folder: RunFolder, embedding: Embedding, observations: pd.DataFrame) -> None:
    from anndata import AnnData  # 3 s, which only this stage and the next need

    if embedding.angle_rad is not None:
        observations = observations.assign(angle_deg=np.degrees(embedding.angle_rad))
    data = AnnData(X=embedding.mean, obs=observations, layers={"log_variance": embedding.log_variance})
    data.var_names = [f"z{i}" for i in range(data.n_vars)]
    record = folder.record()
    run = {key: record[key] for key in ("network", "rotation_weight", "seed", "fold") if record[key] is not None}
    data.uns["orbicyte"] = run | {
        "version": record["versions"]["orbicyte"],
        "data_fingerprint": record["data"]["fingerprint"],
    }
    with replacing(folder.embeddings) as temporary:
        data.write_h5ad(temporary)
