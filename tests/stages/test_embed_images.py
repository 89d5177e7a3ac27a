import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from anndata import read_h5ad

import orbicyte
from orbicyte.data.images import read_patch
from orbicyte.embedding import embedder
from orbicyte.errors import OrbicyteError
from orbicyte.stages.embed_images import embed_images
from orbicyte.study import runs

STN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def cells(synthetic_cells: Path, tmp_path: Path) -> Path:
    """The test's own folder of five patches, two of them in a folder inside."""
    folder = tmp_path / "cells"
    (folder / "more").mkdir(parents=True)
    for i, file in enumerate(sorted(synthetic_cells.glob("**/*.png"))[:5]):
        shutil.copy(file, folder / "more" if i > 2 else folder)
    return folder


@pytest.fixture
def shipped(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained run in the place of the shipped one."""
    monkeypatch.setattr(runs, "SHIPPED", trained / "runs" / STN)
    return trained / "runs" / STN


def test_rows_are_the_embeddings_of_the_files(cells: Path, trained: Path, tmp_path: Path) -> None:
    run = trained / "runs" / STN
    data = read_h5ad(embed_images(cells, out=tmp_path / "cells.h5ad", model=run))
    patches = [read_patch(cells / name) for name in data.obs["file"]]
    assert len(patches) == 5
    np.testing.assert_allclose(data.X, orbicyte.load(run).embed(patches), atol=1e-5)
    assert data.layers["log_variance"].shape == data.X.shape
    assert "angle_deg" in data.obs
    assert data.uns["orbicyte"]["network"] == "only_stn"


def test_the_shipped_network_is_the_default_and_has_a_name(cells: Path, shipped: Path, tmp_path: Path) -> None:
    by_default = read_h5ad(embed_images(cells, out=tmp_path / "a.h5ad"))
    by_path = read_h5ad(embed_images(cells, out=tmp_path / "b.h5ad", model=shipped))
    np.testing.assert_array_equal(by_default.X, by_path.X)
    assert orbicyte.load("pretrained").folder.path == shipped


def test_a_folder_of_that_name_needs_a_path(shipped: Path) -> None:
    with pytest.raises(OrbicyteError, match="pretrained does not exist: expected a run folder"):
        orbicyte.load("./pretrained")


def test_unreadable_files_are_left_out(cells: Path, trained: Path, tmp_path: Path) -> None:
    (cells / "broken.png").write_bytes(b"no image")
    data = read_h5ad(embed_images(cells, out=tmp_path / "cells.h5ad", model=trained / "runs" / STN))
    assert len(data) == 5
    assert "broken.png" not in set(data.obs["file"])


def test_nothing_to_embed_is_an_error_and_writes_nothing(cells: Path, trained: Path, tmp_path: Path) -> None:
    run, out = trained / "runs" / STN, tmp_path / "cells.h5ad"
    (tmp_path / "empty").mkdir()
    with pytest.raises(OrbicyteError, match="no images in "):
        embed_images(tmp_path / "empty", out=out, model=run)
    for file in cells.glob("**/*.png"):
        file.write_bytes(b"no image")
    with pytest.raises(OrbicyteError, match="none of 5 images"):
        embed_images(cells, out=out, model=run)
    assert not out.exists()


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_embedded(
    cells: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.embedding.Embedder.embed_stored", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(OrbicyteError, match=r"cannot write .*cells\.h5ad"):
        embed_images(cells, out=tmp_path / "file" / "cells.h5ad", model=trained / "runs" / STN)
    with pytest.raises(OrbicyteError, match=r"cells\.csv: expected a name that ends in \.h5ad, such as cells\.h5ad"):
        embed_images(cells, out=tmp_path / "cells.csv", model=trained / "runs" / STN)


def test_one_patch_is_one_row(cells: Path, trained: Path, tmp_path: Path) -> None:
    file = sorted(cells.glob("*.png"))[0]
    data = read_h5ad(embed_images(file, out=tmp_path / "cell.h5ad", model=trained / "runs" / STN))
    assert data.obs["file"].tolist() == [file.name]


def test_an_interrupted_call_is_continued_also_past_unreadable_files(
    cells: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_embedding: Callable[[int], list[int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    (cells / "0.png").write_bytes(b"no image")
    run, out = trained / "runs" / STN, tmp_path / "cells.h5ad"
    undisturbed = read_h5ad(embed_images(cells, out=tmp_path / "other.h5ad", model=run))
    monkeypatch.setattr(embedder, "BATCH", 2)
    done = interrupt_embedding(3)
    with pytest.raises(KeyboardInterrupt):
        embed_images(cells, out=out, model=run)
    data = read_h5ad(embed_images(cells, out=out, model=run))
    assert "continues after 4 of 6 images" in capfd.readouterr().err
    assert done == [1, 2, 2, 2]
    np.testing.assert_allclose(data.X, undisturbed.X, atol=1e-5)
    assert data.obs["file"].tolist() == undisturbed.obs["file"].tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "cells.h5ad", "other.h5ad"]
