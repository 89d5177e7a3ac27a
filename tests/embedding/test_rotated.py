from pathlib import Path

import numpy as np
import pytest

import orbicyte
from orbicyte.arrays import Pixels
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder, Embedding
from orbicyte.embedding.rotated import embed_rotated

CELLS = np.array([3, 7, 20, 21, 50, 104])
ANGLES = [0.0, 37.5, 90.0, 127.5, 180.0, 300.0]


@pytest.fixture
def embedder(trained: Path) -> Embedder:
    return orbicyte.load(trained / "runs" / "only_stn-w0.5-fold1-seed0", device="cpu")


@pytest.fixture(scope="module")
def store(trained: Path) -> PatchStore:
    return PatchStore.open(trained / "patches")


def test_each_angle_is_that_of_patches_rotated_one_by_one(
    embedder: Embedder, store: PatchStore, tmp_path: Path
) -> None:
    found = embed_rotated(tmp_path / "rotated", embedder, store, CELLS, ANGLES)
    assert found.mean.shape == (len(ANGLES), len(CELLS), 4)
    for at, angle in enumerate(ANGLES):
        expected = embedder.embed_stored(store.images[CELLS], float(np.radians(angle)))
        assert expected.angle_rad is not None
        assert found.angle_rad is not None
        np.testing.assert_allclose(found.mean[at], expected.mean, atol=1e-4)
        np.testing.assert_allclose(found.log_variance[at], expected.log_variance, atol=1e-4)
        np.testing.assert_allclose(found.angle_rad[at], expected.angle_rad, atol=1e-4)


def test_an_interrupted_call_is_continued(
    embedder: Embedder, store: PatchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = embed_rotated(tmp_path / "other", embedder, store, CELLS, ANGLES)
    embedder.batch = 2
    seen: list[int] = []
    make = embedder.embed_rotated

    def interrupted(images: Pixels, angles_deg: list[float]) -> list[Embedding]:
        if len(seen) == 2:
            seen.append(0)
            raise KeyboardInterrupt
        seen.append(len(images))
        return make(images, angles_deg)

    monkeypatch.setattr(embedder, "embed_rotated", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embed_rotated(tmp_path / "rotated", embedder, store, CELLS, ANGLES)
    found = embed_rotated(tmp_path / "rotated", embedder, store, CELLS, ANGLES)
    assert seen == [2, 2, 0, 2]
    np.testing.assert_allclose(found.mean, undisturbed.mean, atol=1e-5)
    embed_rotated(tmp_path / "rotated", embedder, store, CELLS[:-1], ANGLES)
    assert seen == [2, 2, 0, 2, 2, 2, 1]
