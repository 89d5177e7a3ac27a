from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import orbicyte
from orbicyte.data.patches import PatchStore
from orbicyte.embedding.export import write_h5ad
from orbicyte.embedding.rows import as_rows, embedded_rows
from orbicyte.study import appended


def content(path: Path) -> dict[str, Any]:
    """Every group and array of an HDF5 file, with its attributes."""
    found: dict[str, Any] = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        attributes = {key: np.asarray(value).tolist() for key, value in item.attrs.items()}
        is_array = isinstance(item, h5py.Dataset)
        found[name] = (attributes, str(item.dtype), np.asarray(item[()]).tolist()) if is_array else (attributes,)

    with h5py.File(path) as file:
        add("/", file)
        file.visititems(add)
    return found


@pytest.mark.parametrize("run", ["baseline-fold1-seed0", "only_stn-w0.5-fold1-seed0"])
def test_the_file_is_the_one_that_anndata_writes_at_once(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.setattr(appended, "CHUNK", 8)
    embedder = orbicyte.load(trained / "runs" / run)
    found = embedder.embed_stored(PatchStore.open(trained / "patches").images[:20])
    table = pd.DataFrame({"set": pd.Categorical(["train", "test"] * 10)}, index=pd.Index(map(str, range(20))))
    with embedded_rows(tmp_path / "rows", embedder) as rows:
        rows.append(as_rows(found))
        write_h5ad(tmp_path / "parts.h5ad", embedder, rows, table)
    if found.angle_rad is not None:
        table = table.assign(angle_deg=np.degrees(found.angle_rad))
    whole = AnnData(X=found.mean, obs=table, layers={"log_variance": found.log_variance})
    whole.var_names = [f"z{i}" for i in range(whole.n_vars)]
    record = embedder.record
    about = asdict(record.key) | {"version": record.versions["orbicyte"], "data_fingerprint": record.data.fingerprint}
    whole.uns["orbicyte"] = {name: value for name, value in about.items() if value is not None}
    whole.write_h5ad(tmp_path / "whole.h5ad")
    assert content(tmp_path / "parts.h5ad") == content(tmp_path / "whole.h5ad")
