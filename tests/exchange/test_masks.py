from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.masks import read_mask


def labels(height: int = 60, width: int = 80) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    mask = np.zeros((height, width), np.uint16)
    mask[10:20, 30:40] = 7
    mask[20:30, 30:40] = 500
    return mask


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize(("width_px", "height_px", "step"), [(80, 60, 1), (240, 180, 3), (161, 121, 2), (159, 119, 2)])
def test_labels_become_cells_in_level_0_pixels(
    name: str, width_px: int, height_px: int, step: int, tmp_path: Path
) -> None:
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, labels())
    else:
        Image.fromarray(labels()).save(tmp_path / name)
    first, second = read_mask(tmp_path / name, width_px, height_px)
    assert (first.x_px, first.y_px) == pytest.approx((35 * step, 15 * step))
    assert (second.x_px, second.y_px) == pytest.approx((35 * step, 25 * step))
    assert first.diameter_px == pytest.approx(2 * np.sqrt(100 / np.pi) * step, rel=0.01)
    outline = np.reshape(first.outline_px or (), (-1, 2)) / step
    assert (outline.min(0).tolist(), outline.max(0).tolist()) == ([30, 10], [40, 20])
    assert (first.id, first.label, second.where) == (None, None, f"{tmp_path / name}, label 500")


def test_in_a_binary_mask_each_connected_component_is_a_cell(tmp_path: Path) -> None:
    mask = labels() > 0
    mask[40:42, 5:9] = True
    tifffile.imwrite(tmp_path / "a.tif", mask.astype(np.uint8) * 255)
    first, second = read_mask(tmp_path / "a.tif", 80, 60)
    assert (first.x_px, first.y_px, second.x_px, second.y_px) == pytest.approx((35, 20, 7, 41))


def test_of_a_label_in_several_components_the_largest_is_the_cell(tmp_path: Path) -> None:
    mask = labels()
    mask[50, 2:40] = 7  # longer, but smaller
    tifffile.imwrite(tmp_path / "a.tif", mask)
    first, second = read_mask(tmp_path / "a.tif", 80, 60)
    assert (first.x_px, first.y_px) == pytest.approx((35, 15))
    assert second.where.endswith("label 500")


def test_an_empty_mask_has_no_cells(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((60, 80), np.uint8))
    assert read_mask(tmp_path / "a.tif", 80, 60) == []


@pytest.mark.parametrize(("width_px", "height_px"), [(100, 60), (160, 60), (80, 59), (40, 30), (200, 150)])
def test_a_mask_of_another_size_is_an_error_with_both_sizes(width_px: int, height_px: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", labels())
    with pytest.raises(OrbicyteError, match=rf"a.tif is 80 x 60 px, the slide {width_px} x {height_px} px"):
        read_mask(tmp_path / "a.tif", width_px, height_px)


def test_most_pixels_of_another_value_than_0_are_asked_about(tmp_path: Path) -> None:
    inverted = np.where(labels() > 0, 0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", inverted)
    with pytest.raises(OrbicyteError, match=r"most pixels have the value 255: give --background 255 if .*else --backg"):
        read_mask(tmp_path / "a.tif", 80, 60)
    (cell,) = read_mask(tmp_path / "a.tif", 80, 60, background=255)
    assert (cell.x_px, cell.y_px) == pytest.approx((35, 20))
    (around,) = read_mask(tmp_path / "a.tif", 80, 60, background=0)
    assert around.diameter_px == pytest.approx(2 * np.sqrt(80 * 60 / np.pi), rel=0.05)
    with pytest.raises(OrbicyteError, match="no pixel of the value 7, given with --background"):
        read_mask(tmp_path / "a.tif", 80, 60, background=7)


def test_with_another_background_0_is_a_cell_like_others(tmp_path: Path) -> None:
    mask = np.full((60, 80), 65535, np.uint16)
    mask[10:20, 30:40] = 0
    mask[20:30, 30:40] = 1
    tifffile.imwrite(tmp_path / "a.tif", mask)
    found = read_mask(tmp_path / "a.tif", 80, 60, background=65535)
    assert sorted(cell.y_px for cell in found) == pytest.approx([15, 25])


def test_a_file_that_is_not_a_label_image_is_an_error(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((60, 80, 3), np.uint8), photometric="rgb")
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((60, 80), np.float32))
    (tmp_path / "c.tif").write_bytes(b"II*\0nothing")
    (tmp_path / "d.png").write_bytes(b"nothing")
    for name, message in [
        ("a.tif", "label image"),
        ("b.tif", "float32"),
        ("c.tif", "label image"),
        ("d.png", "cannot read"),
    ]:
        with pytest.raises(OrbicyteError, match=message):
            read_mask(tmp_path / name, 80, 60)


def test_labels_that_are_types_give_a_cell_each_in_little_memory(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 6, (1500, 1500)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", mask)
    assert len(read_mask(tmp_path / "a.tif", 1500, 1500)) == 5
