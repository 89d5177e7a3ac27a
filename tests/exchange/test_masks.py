from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.masks import read_mask
from orbicyte.exchange.picture import Picture
from orbicyte.exchange.shapes import Shape


def read(
    path: Path, width_px: int = 80, height_px: int = 60, mpp: float = 1.0, background: int | None = None
) -> list[Shape]:
    return read_mask(path, [Picture(0, 0, width_px, height_px)], mpp, background)


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
    first, second = read(tmp_path / name, width_px, height_px)
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
    first, second = read(tmp_path / "a.tif")
    assert (first.x_px, first.y_px, second.x_px, second.y_px) == pytest.approx((35, 20, 7, 41))


def test_each_component_of_a_label_is_a_cell_that_knows_of_the_others(tmp_path: Path) -> None:
    mask = labels()
    mask[50, 2:40] = 7
    tifffile.imwrite(tmp_path / "a.tif", mask)
    first, second, third = read(tmp_path / "a.tif")
    assert [shape.pieces for shape in (first, second, third)] == [2, 1, 2]
    assert (third.x_px, third.y_px) == pytest.approx((21, 50.5))


def test_specks_have_no_size_and_are_pieces(tmp_path: Path) -> None:
    mask = labels()
    mask[50, 2:4] = 7
    tifffile.imwrite(tmp_path / "a.tif", mask)
    assert [shape.diameter_px for shape in read(tmp_path / "a.tif", mpp=0.25)][2:] == [0]
    assert len([shape for shape in read(tmp_path / "a.tif", mpp=1) if shape.diameter_px]) == 3


def test_a_mask_of_the_scanned_area_begins_at_its_corner(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", labels())
    pictures = [Picture(0, 0, 500, 400), Picture(100, 200, 160, 120)]
    first, _ = read_mask(tmp_path / "a.tif", pictures, 1)
    assert (first.x_px, first.y_px) == pytest.approx((100 + 35 * 2, 200 + 15 * 2))
    assert np.reshape(first.outline_px or (), (-1, 2)).min(0).tolist() == [160, 220]


def test_an_empty_mask_has_no_cells(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((60, 80), np.uint8))
    assert read(tmp_path / "a.tif") == []


@pytest.mark.parametrize(("width_px", "height_px"), [(100, 60), (160, 60), (80, 59), (40, 30), (200, 150)])
def test_a_mask_of_another_size_is_an_error_with_both_sizes(width_px: int, height_px: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", labels())
    with pytest.raises(OrbicyteError, match=rf"a.tif is 80 x 60 px, the slide {width_px} x {height_px} px"):
        read(tmp_path / "a.tif", width_px, height_px)


def test_most_pixels_of_another_value_than_0_are_asked_about(tmp_path: Path) -> None:
    inverted = np.where(labels() > 0, 0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", inverted)
    with pytest.raises(OrbicyteError, match=r"most pixels have the value 255: give --background 255 if .*else --backg"):
        read(tmp_path / "a.tif")
    (cell,) = read(tmp_path / "a.tif", background=255)
    assert (cell.x_px, cell.y_px) == pytest.approx((35, 20))
    (around,) = read(tmp_path / "a.tif", background=0)
    assert around.diameter_px == pytest.approx(2 * np.sqrt(80 * 60 / np.pi), rel=0.05)
    with pytest.raises(OrbicyteError, match="no pixel of the value 7, given with --background"):
        read(tmp_path / "a.tif", background=7)


def test_with_another_background_0_is_a_cell_like_others(tmp_path: Path) -> None:
    mask = np.full((60, 80), 65535, np.uint16)
    mask[10:20, 30:40] = 0
    mask[20:30, 30:40] = 1
    tifffile.imwrite(tmp_path / "a.tif", mask)
    found = read(tmp_path / "a.tif", background=65535)
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
            read(tmp_path / name)


def test_a_mask_of_noise_is_refused_in_little_memory(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 6, (1500, 1500)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", mask)
    with pytest.raises(OrbicyteError, match=r"connected regions are smaller than 1 µm: expected a label image"):
        read(tmp_path / "a.tif", 1500, 1500, 0.25)


def disc_mask() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    y, x = np.mgrid[:400, :400]
    return np.where(np.hypot(x % 60 - 30, y % 60 - 30) < 20, 255, 0).astype(np.uint8)


def test_a_mask_that_was_stored_as_jpeg_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", disc_mask(), compression="jpeg")
    with pytest.raises(OrbicyteError, match=r"a\.tif is compressed as JPEG, which changes the numbers"):
        read(tmp_path / "a.tif", 400, 400, 0.25)
    Image.fromarray(disc_mask()).save(tmp_path / "a.jpg", quality=80)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    with pytest.raises(OrbicyteError, match=r"a\.png: .* one that was stored as JPEG"):
        read(tmp_path / "a.png", 400, 400, 0.25)


def test_several_pages_are_refused_and_smaller_copies_are_not(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(labels(), metadata=None)
        writer.write(labels()[::2, ::2], metadata=None, subfiletype=1)
    assert len(read(tmp_path / "a.tif")) == 2
    with tifffile.TiffWriter(tmp_path / "b.tif") as writer:
        writer.write(labels(), metadata=None)
        writer.write(labels(30, 30), metadata=None)
    tifffile.imwrite(tmp_path / "c.tif", np.stack([labels()] * 3), photometric="minisblack")
    for name, pages in (("b.tif", 2), ("c.tif", 3)):
        with pytest.raises(OrbicyteError, match=f"{pages} pages, of which one would be read"):
            read(tmp_path / name)


def test_a_mask_that_does_not_fit_is_refused_before_its_pixels_are_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((10, 10), np.uint8))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        tiff.pages.first.tags["ImageWidth"].overwrite(10**9)
        tiff.pages.first.tags["ImageLength"].overwrite(10**9)
    with pytest.raises(OrbicyteError, match="is 1000000000 x 1000000000 px, the slide 80 x 60 px"):
        read(tmp_path / "a.tif")
