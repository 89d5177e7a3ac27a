import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import orbicyte
from orbicyte.arrays import Pixels
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder, Embedding
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import Code

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def embedder(trained: Path) -> Embedder:
    return orbicyte.load(trained / "runs" / RUN, device="cpu")


@pytest.fixture(scope="module")
def patches(trained: Path) -> Pixels:
    return np.array(PatchStore.open(trained / "patches").images[:20])


class Recorder:
    """Images that are read in slices: records which slices were requested."""

    def __init__(self, images: Pixels) -> None:
        self.images, self.requested = images, list[slice]()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, some: slice) -> Pixels:
        self.requested.append(some)
        return self.images[some]


def rescaled(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if "scaled" in line]


@pytest.mark.parametrize("run", ["baseline-fold1-seed0", RUN])
def test_stored_patches_embed_to_the_exported_vectors(trained: Path, run: str) -> None:
    import anndata

    exported = anndata.read_h5ad(trained / "runs" / run / "embeddings.h5ad").X
    x = orbicyte.load(trained / "runs" / run).embed(PatchStore.open(trained / "patches").images)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, exported, atol=1e-5)


def test_batch_size_does_not_change_vectors_and_limits_memory(
    embedder: Embedder, patches: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embedder.embed(patches)
    monkeypatch.setattr(embedder, "batch", 7)
    held: list[int] = []
    stored = embedder.embed_stored

    def watched(images: Pixels, angle_rad: float = 0.0) -> Embedding:
        held.append(len(images))
        return stored(images, angle_rad)

    monkeypatch.setattr(embedder, "embed_stored", watched)
    lazy = Recorder(patches)
    np.testing.assert_allclose(embedder.embed(lazy), whole, atol=1e-5)  # type: ignore[arg-type]
    assert lazy.requested == [slice(0, 7), slice(7, 14), slice(14, 21)]
    assert held == [7, 7, 6]


def test_a_memory_map_is_embedded(embedder: Embedder, patches: Pixels, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", patches)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(embedder.embed(mapped), embedder.embed(patches))


def test_the_same_picture_in_any_type_gives_the_same_vector(embedder: Embedder, patches: Pixels) -> None:
    x = embedder.embed(patches)
    opaque = np.concatenate([patches, np.full_like(patches[..., :1], 255)], axis=3)
    for same in (opaque, patches / 255, (patches / 255).astype(np.float32), patches.astype(np.uint16) * 257):
        np.testing.assert_allclose(embedder.embed(same), x, atol=1e-5)
    np.testing.assert_allclose(embedder.embed(patches.transpose(0, 3, 1, 2)), x, atol=1e-5)


def test_grey_pictures_are_embedded_as_colour_pictures_with_equal_channels(embedder: Embedder, patches: Pixels) -> None:
    grey = patches[..., 1]
    x = embedder.embed(np.repeat(grey[..., None], 3, axis=3))
    for same in (grey, grey / 255, grey.astype(np.uint16) * 257):
        np.testing.assert_allclose(embedder.embed(same), x, atol=1e-5)


def test_tensors_generators_and_pillow_images_are_embedded(embedder: Embedder, patches: Pixels) -> None:
    x = embedder.embed(patches)
    unit = torch.tensor(patches.transpose(0, 3, 1, 2) / 255, dtype=torch.float32, requires_grad=True)
    for same in (unit, list(unit), (patch for patch in patches), [Image.fromarray(patch) for patch in patches]):
        np.testing.assert_allclose(embedder.embed(same), x, atol=1e-5)
    spread = np.linalg.norm(x - x.mean(0), axis=1).mean()
    assert np.linalg.norm(embedder.embed(unit.bfloat16()) - x, axis=1).max() < 0.1 * spread


def test_the_scale_of_floats_is_decided_once_for_the_call(
    embedder: Embedder, patches: Pixels, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedder, "batch", 2)
    x = embedder.embed(patches)
    over = patches / np.float32(255)
    over[4, 0, 0] = 1.0000001
    for start in (0, 4):
        np.testing.assert_allclose(embedder.embed(over[start:]), x[start:], atol=1e-4)
    assert capfd.readouterr().err.count("0 is black, 1 is white") == 1
    dim = patches.copy()
    dim[0] //= 8  # its own brightest value would be white of 10 bits
    deep = dim.astype(np.uint16) * 16
    np.testing.assert_allclose(embedder.embed(deep), embedder.embed((deep / 4095).astype(np.float32)), atol=1e-2)
    assert "0 is black, 4095 is white" in capfd.readouterr().err
    stated = embedder.embed(patches / 127.5 - 1, value_range=(-1, 1))
    np.testing.assert_allclose(stated, x, atol=1e-2)


def test_images_of_different_scales_are_refused(embedder: Embedder, patches: Pixels) -> None:
    with pytest.raises(OrbicyteError, match=r"image 1: values .*image 0: values .*value_range") as caught:
        embedder.embed([patches[0].astype(np.float32), patches[1] / np.float32(255)])
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "images", [None, 3, "cells", {"a": 1}, Image.new("RGB", (32, 32)), {1, 2}, [None], [[[1], [2, 3]]]]
)
def test_what_is_not_images_is_one_line(embedder: Embedder, images: Any) -> None:
    with pytest.raises(OrbicyteError) as caught:
        embedder.embed(images)
    assert len(str(caught.value).splitlines()) == 1


def test_no_images_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 4)
    assert embedder.embed([]).shape == (0, 4)


def test_images_of_different_sizes_are_scaled_by_size_with_one_warning(
    embedder: Embedder, patches: Pixels, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedder, "batch", 2)
    doubled = [patch.repeat(2, 0).repeat(2, 1) for patch in patches[:5]]
    x = embedder.embed([*doubled, *patches[5:8], patches[8][:, 4:28]])
    assert rescaled(capfd) == ["warning: images of 64 px are scaled by size to 32 px"]
    np.testing.assert_allclose(x[5:8], embedder.embed(patches[5:8]), atol=1e-5)
    spread = np.linalg.norm(x[:5] - x[:5].mean(0), axis=1).mean()
    assert np.linalg.norm(x[:5] - embedder.embed(patches[:5]), axis=1).mean() < 0.3 * spread
    assert rescaled(capfd) == []


def test_images_that_are_not_square_are_cropped_on_their_longer_side(
    embedder: Embedder, patches: Pixels, capfd: pytest.CaptureFixture[str]
) -> None:
    wide = np.pad(patches, ((0, 0), (0, 0), (6, 6), (0, 0)))
    np.testing.assert_allclose(embedder.embed(wide), embedder.embed(patches), atol=1e-5)
    assert rescaled(capfd) == []


def test_images_are_scaled_by_um_per_pixel_if_both_are_known(
    embedder: Embedder, patches: Pixels, capfd: pytest.CaptureFixture[str]
) -> None:
    mpp = embedder.record.mpp
    assert mpp is not None
    x = embedder.embed(patches)
    around = np.pad(patches, ((0, 0), (10, 10), (10, 10), (0, 0)))
    np.testing.assert_allclose(embedder.embed(around, mpp), x, atol=1e-5)  # a larger area at the same scale
    assert rescaled(capfd) == []
    finer = around.repeat(2, 1).repeat(2, 2)
    y = embedder.embed(finer, mpp / 2)
    assert rescaled(capfd) == [f"warning: images of 104 px are scaled from {mpp / 2:.3g} to {mpp:.3g} µm per pixel"]
    assert np.linalg.norm(y - x) < 0.3 * np.linalg.norm(x - x.mean(0))
    embedder.embed(patches, mpp / 2)
    shown_um = f"{mpp * 32:.3g} µm"
    assert rescaled(capfd) == [
        f"warning: images of 32 px are scaled by size to 32 px, because they show less than the training's {shown_um}"
    ]


def test_a_warning_if_the_scale_of_the_training_is_unknown(
    embedder: Embedder, patches: Pixels, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedder, "record", replace(embedder.record, mpp=None))
    embedder.embed(patches[:, 4:28, 4:28], 0.1)
    assert rescaled(capfd) == [
        "warning: images of 24 px are scaled by size to 32 px, because the training's µm per pixel is unknown"
    ]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 32, 32, 5), np.uint8), r"image 0: an array of shape \(32, 32, 5\), not grey or colour"),
        (np.zeros((32, 32, 3), np.uint8), r"image 0 has shape \(32, 3\): expected at least 16 px per side"),
        (np.zeros((32, 32), np.uint8), r"got one image: pass images\[None\]"),
        (np.zeros((1, 9, 40, 3), np.uint8), r"image 0 has shape \(9, 40, 3\): expected at least 16 px"),
        (np.zeros((1, 0, 0, 3)), r"image 0 has shape \(0, 0, 3\): expected at least 16 px"),
        (np.full((1, 32, 32), -0.5), "image 0: values from -0.5 to -0.5, expected 0 to 1"),
        (np.full((1, 32, 32), math.nan), "image 0: values that are not numbers"),
        (np.zeros((1, 32, 32, 3), np.int64), "image 0 has type int64: expected uint8, uint16, or floats from 0 to 1"),
        ([np.zeros((32, 32), np.uint8), np.full((32, 32), 300.0)], "image 1: values from 300 to 300"),
        (["cell.png"], "image 0 has type <U8: expected uint8"),
    ],
)
def test_an_invalid_image_gives_one_line_with_its_number(
    embedder: Embedder, images: NDArray[np.generic], message: str
) -> None:
    with pytest.raises(OrbicyteError, match=message) as caught:
        embedder.embed(images)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("mpp", [0.0, -1.0, math.nan, math.inf])
def test_invalid_um_per_pixel(embedder: Embedder, patches: Pixels, mpp: float) -> None:
    with pytest.raises(OrbicyteError, match="µm per pixel must be above 0"):
        embedder.embed(patches, mpp)


def test_pictures_are_the_inputs_and_reconstructions_of_the_network(embedder: Embedder, patches: Pixels) -> None:
    seen, made = embedder.reconstruct(patches, math.pi / 2)
    assert seen.shape == made.shape == (20, 16, 16, 3)
    assert min(seen.min(), made.min()) >= 0
    assert max(seen.max(), made.max()) <= 1
    at_zero, _ = embedder.reconstruct(patches)
    np.testing.assert_allclose(seen, np.rot90(at_zero, 1, (1, 2)), atol=1e-5)


def test_a_gpu_computes_as_exactly_as_a_cpu(
    embedder: Embedder, patches: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded, encode = list[bool](), embedder.network.encode

    def noted(x: torch.Tensor) -> Code:
        rounded.append(torch.backends.cudnn.allow_tf32)
        return encode(x)

    monkeypatch.setattr(embedder.network, "encode", noted)
    embedder.embed(patches)
    embedder.embed_rotated(patches, [0, 90])
    embedder.reconstruct(patches)
    assert len(rounded) == 4
    assert not any(rounded)


def test_a_folder_without_a_run_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match=r"is not a run folder, it has no run.json"):
        orbicyte.load(tmp_path)


def test_it_prints_its_network_and_sizes(embedder: Embedder, trained: Path) -> None:
    run = trained / "runs" / RUN
    assert repr(embedder) == f"Embedder(only_stn of {run}: patches of 32 px, seen as 16 px -> 4 numbers, on cpu)"
