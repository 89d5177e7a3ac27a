import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.embedding.observations import cell_names, observations, replace_observations
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.types import write_types

RUN = "baseline-fold1-seed0"


def test_names_identify_the_cell() -> None:
    cells = pd.DataFrame(
        {"cell": [0, 1, 2, 3], "id": ["x", None, None, None], "slide": ["s", None, "t", None]}, dtype=object
    ).assign(file=["s", "a.png", "b/a.png", "a.png"])
    assert cell_names(cells) == ["s/x", "a.png #1", "b/a.png", "a.png #3"]


@pytest.fixture
def typed(trained: Path, tmp_path: Path) -> Study:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    files = PatchStore.open(study.patches).cells["file"].tolist()
    some = files[: len(files) // 2]
    table = pd.DataFrame({"id": some, "slide": None, "type": "lymphocyte", "probability": 0.75, "p_lymphocyte": 0.75})
    write_types(study, table.assign(out_of_distribution=[True] + [False] * (len(some) - 1), label=None), RUN)
    return study


def test_predicted_types_are_added_and_everything_else_stays(typed: Study) -> None:
    from orbicyte.study.types import read_types

    run, store = RunFolder(typed.run(RUN)), PatchStore.open(typed.patches)
    before = anndata.read_h5ad(run.embeddings)
    replace_observations(run.embeddings, observations(store, run.record(), read_types(typed)))
    after = anndata.read_h5ad(run.embeddings)
    np.testing.assert_array_equal(before.X, after.X)
    np.testing.assert_array_equal(before.layers["log_variance"], after.layers["log_variance"])
    pd.testing.assert_frame_equal(after.obs[list(before.obs)], before.obs)
    half = len(store) // 2
    assert after.obs["predicted_type"].tolist()[:half] == ["lymphocyte"] * half
    assert after.obs["predicted_type"].isna().tolist() == [False] * half + [True] * (len(store) - half)
    assert (after.obs["predicted_probability"].dropna() == 0.75).all()
    assert after.obs["out_of_distribution"].sum() == 1


def test_embeddings_of_other_cells_are_left_alone(typed: Study) -> None:
    run, store = RunFolder(typed.run(RUN)), PatchStore.open(typed.patches)
    content = run.embeddings.read_bytes()
    replace_observations(run.embeddings, observations(store, run.record(), None).iloc[1:])
    assert run.embeddings.read_bytes() == content
