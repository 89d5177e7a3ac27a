"""Synthetic slides: OpenSlide opens them, their pixels are those of the smear, and their truth is correct."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import Smear, draw_slide, draw_slides, sample_smear
from orbicyte.synthetic.pyramid import SQUARE_PX
from orbicyte.synthetic.smear_render import window


def numbers_at_centres(mask: NDArray[np.uint32], truth: pd.DataFrame, mpp: float) -> list[int]:
    """The number in the mask at the centre of each cell."""
    x, y = (truth[[column]].to_numpy(float)[:, 0] // mpp for column in ("x_um", "y_um"))
    return [int(number) for number in mask[y.astype(int), x.astype(int)]]


@pytest.fixture(scope="module")
def smear() -> Smear:
    return sample_smear(5, 230.0, 200.0, "S", cells=60)


@pytest.fixture(scope="module")
def path(smear: Smear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slides") / "S.tif"
    draw_slide(path, smear)
    return path


@pytest.fixture(scope="module")
def truth(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path.with_suffix(".truth.parquet"))


def test_openslide_opens_it_and_reads_its_scale(path: Path) -> None:
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.25)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.25)
        assert slide.level_dimensions == ((920, 800), (460, 400), (230, 200), (115, 100), (57, 50))


def test_a_region_has_the_pixels_of_the_window_except_for_jpeg(path: Path, smear: Smear) -> None:
    expected = window(smear, 200, 150, (400, 300), 0.25)[0].astype(float)
    with openslide.OpenSlide(path) as slide:
        read = np.asarray(slide.read_region((200, 150), 0, (400, 300)).convert("RGB")).astype(float)
        small = np.asarray(slide.read_region((200, 152), 2, (100, 75)).convert("RGB")).astype(float)
    assert np.abs(read - expected).mean() < 3
    reduced = window(smear, 200, 152, (400, 300), 0.25)[0].reshape(75, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - reduced).mean() < 6


def test_the_truth_lists_every_cell_once(truth: pd.DataFrame, smear: Smear) -> None:
    assert len(truth) == len(smear.whites)
    assert truth["id"].is_unique
    assert set(truth["type"]) == set(TYPES)
    np.testing.assert_allclose(truth[["x_px", "y_px"]] * 0.25, truth[["x_um", "y_um"]])


def test_masks_boxes_and_centres_agree(path: Path, truth: pd.DataFrame) -> None:
    mask = tifffile.imread(path.with_suffix(".mask.tif"))
    assert mask.dtype == np.uint32
    assert mask.shape == (400, 460)
    assert sorted(np.unique(mask)) == list(range(len(truth) + 1))
    assert numbers_at_centres(mask, truth, 0.5) == list(range(1, len(truth) + 1))
    inside = 0
    boxes = truth[["x0_px", "y0_px", "x1_px", "y1_px"]].to_numpy(int)
    for row, (box, diameter_um) in enumerate(zip(boxes, truth["diameter_um"].to_numpy(float), strict=True), 1):
        y, x = np.nonzero(mask == row)
        np.testing.assert_allclose(2 * np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]), box, atol=2)
        if box.min() > 0 and box[2] < 920 and box[3] < 800:
            inside += 1
            assert 2 * np.sqrt(len(y) / np.pi) * 0.5 == pytest.approx(diameter_um, rel=0.17)
    assert inside > 30


def test_masks_of_touching_cells_are_adjacent(path: Path) -> None:
    mask = tifffile.imread(path.with_suffix(".mask.tif")).astype(int)
    adjacent = np.stack([mask[:, :-1].ravel(), mask[:, 1:].ravel()])
    touching = adjacent[:, (adjacent[0] != adjacent[1]) & (adjacent > 0).all(axis=0)]
    assert len({tuple(sorted(pair)) for pair in touching.T.tolist()}) >= 5


def test_cells_cut_by_the_border_have_boxes_that_are_cut(tmp_path: Path) -> None:
    smear = sample_smear(0, 60, 60, "S", cells=3)
    moved = tuple(
        replace(cell, place_um=place) for cell, place in zip(smear.whites, (2 - 30j, 58.5 - 2j, 100j), strict=True)
    )
    truth = draw_slide(tmp_path / "cut.tif", replace(smear, whites=moved))
    assert truth["id"].tolist() == ["S-1", "S-2"]  # the third is outside the slide
    assert truth["x0_px"].iloc[0] == truth["y0_px"].iloc[1] == 0
    assert truth["x1_px"].iloc[1] == 240
    assert set(np.unique(tifffile.imread(tmp_path / "cut.mask.tif"))) == {0, 1, 2}


@pytest.mark.parametrize(("mpp", "mask_mpp"), [(0.1, 0.4), (0.5, 0.5)])
def test_other_scales(tmp_path: Path, mpp: float, mask_mpp: float) -> None:
    truth = draw_slide(tmp_path / "S.tif", sample_smear(1, 80, 60, cells=5), mpp)
    with openslide.OpenSlide(tmp_path / "S.tif") as slide:
        assert slide.dimensions == (round(80 / mpp), round(60 / mpp))
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(mpp)
    with tifffile.TiffFile(tmp_path / "S.mask.tif") as file:
        numerator, denominator = file.pages.first.tags["XResolution"].value
        assert 1e4 * denominator / numerator == pytest.approx(mask_mpp)
        mask = file.asarray()
    assert numbers_at_centres(mask, truth, mask_mpp) == list(range(1, len(truth) + 1))


def test_a_slide_drawn_in_several_parts_has_no_seam(tmp_path: Path) -> None:
    smear = sample_smear(6, 2103, 41, cells=80)
    first = replace(smear.whites[0], place_um=SQUARE_PX * 0.5 - 20j)
    smear = replace(
        smear, whites=(first, *(cell for cell in smear.whites[1:] if abs(cell.place_um - first.place_um) > 40))
    )
    truth = draw_slide(tmp_path / "S.tif", smear, 0.5, sample_um=0.5)
    left = SQUARE_PX - 40
    image, labels, _ = window(smear, left, 0, (80, 82), 0.5, 0.5)
    with openslide.OpenSlide(tmp_path / "S.tif") as slide:
        assert slide.level_dimensions == ((4206, 82), (2103, 41), (1051, 20), (525, 10), (262, 5))
        read = np.asarray(slide.read_region((left, 0), 0, (80, 82)).convert("RGB")).astype(float)
    assert np.abs(read - image).mean() < 4
    mask = tifffile.imread(tmp_path / "S.mask.tif")
    np.testing.assert_array_equal(mask[:, left : left + 80], labels)
    x = np.nonzero(mask == 1)[1]
    assert truth[["x0_px", "x1_px"]].iloc[0].tolist() == [x.min(), x.max() + 1]


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw_slide(tmp_path / name / "S.tif", sample_smear(3, 70, 70, cells=6))
    for suffix in (".tif", ".mask.tif", ".truth.parquet"):
        a, b = ((tmp_path / name / f"S{suffix}").read_bytes() for name in ("a", "b"))
        assert a == b, suffix
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == ["S.mask.tif", "S.tif", "S.truth.parquet"]


def test_a_repeated_slide_has_copies_and_the_truth_about_all(tmp_path: Path) -> None:
    smear = sample_smear(4, 256, 128, "S", cells=20)
    once = draw_slide(tmp_path / "once.tif", smear)
    truth = draw_slide(tmp_path / "many.tif", smear, repeat=(3, 2))
    with openslide.OpenSlide(tmp_path / "many.tif") as slide, openslide.OpenSlide(tmp_path / "once.tif") as single:
        assert slide.dimensions == (3072, 1024)
        copy = np.asarray(slide.read_region((2048, 512), 0, (1024, 512)))
        np.testing.assert_array_equal(copy, np.asarray(single.read_region((0, 0), 0, (1024, 512))))
    assert len(truth) == 6 * len(once)
    assert truth["id"].is_unique
    mask = tifffile.imread(tmp_path / "many.mask.tif")
    assert mask.shape == (512, 1536)
    assert mask.max() == len(truth)
    assert numbers_at_centres(mask, truth, 0.5) == list(range(1, len(truth) + 1))


def test_only_whole_tiles_repeat(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 512"):
        draw_slide(tmp_path / "S.tif", sample_smear(0, 100, 100, cells=1), repeat=(2, 2))
    assert not list(tmp_path.iterdir())


def test_slides_of_a_study_differ_in_stain_and_cells(tmp_path: Path) -> None:
    truth = draw_slides(tmp_path, slides=2, cells=12, seed=1)
    assert sorted(file.name for file in tmp_path.glob("D?.tif")) == ["D1.tif", "D2.tif"]
    counts = truth["slide"].value_counts()
    assert counts["D1"] == counts["D2"] == 12
    corner = [tifffile.imread(tmp_path / f"D{i}.tif", level=0).mean(axis=(0, 1)) for i in (1, 2)]
    assert np.abs(corner[0] - corner[1]).max() > 1
    assert truth["id"].is_unique
