from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image

from orbicyte.data.conversion import UnreadableImage, eight_bit_rgb
from orbicyte.data.images import image_size, list_images, read_patch

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def _saved(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_rgb_is_unchanged(tmp_path: Path, suffix: str) -> None:
    path = _saved(tmp_path / f"a.{suffix}", Image.fromarray(RGB))
    np.testing.assert_array_equal(read_patch(path), RGB)
    assert image_size(path) == (30, 20)


def test_jpeg_is_close(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 32 * 32).reshape(32, 32, 1).repeat(3, 2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.JPG", quality=95)
    assert np.abs(read_patch(tmp_path / "a.JPG").astype(int) - smooth).max() < 8


def test_grey_bilevel_and_palette_become_rgb(tmp_path: Path) -> None:
    grey = read_patch(_saved(tmp_path / "g.png", Image.fromarray(GREY)))
    np.testing.assert_array_equal(grey, np.repeat(GREY[..., None], 3, 2))
    bits = read_patch(_saved(tmp_path / "b.png", Image.fromarray(GREY > 99)))
    np.testing.assert_array_equal(bits[..., 1], np.where(GREY > 99, 255, 0))
    palette = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(read_patch(_saved(tmp_path / "p.png", palette)), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled_by_its_full_range(tmp_path: Path, suffix: str) -> None:
    path = _saved(tmp_path / f"a.{suffix}", Image.fromarray(GREY.astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_patch(path)[..., 2], GREY)


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "unit"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_microscopes(tmp_path: Path, planes: bool, kind: str, order: Literal["<", ">"]) -> None:
    kinds = {"uint8": RGB, "uint16": RGB.astype("u2") * 257, "float32": RGB.astype("f4"), "unit": RGB / 255}
    values = kinds[kind].transpose(2, 0, 1) if planes else kinds[kind]
    layout = "separate" if planes else "contig"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", planarconfig=layout, byteorder=order)
    np.testing.assert_array_equal(read_patch(tmp_path / "a.tif"), RGB)
    assert image_size(tmp_path / "a.tif") == (30, 20)


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:, :10] = 255
    rgba = read_patch(_saved(tmp_path / "a.png", Image.fromarray(np.dstack([RGB, alpha]))))
    np.testing.assert_array_equal(rgba[:, :10], RGB[:, :10])
    assert (rgba[:, 10:] == 255).all()
    np.testing.assert_array_equal(eight_bit_rgb(np.dstack([RGB, alpha])), rgba)


def test_cmyk(tmp_path: Path) -> None:
    path = _saved(tmp_path / "a.tif", Image.fromarray(RGB).convert("CMYK"))
    np.testing.assert_array_equal(read_patch(path), RGB)


def test_orientation_tags_are_ignored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_patch(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tags_of_tiff_are_ignored(tmp_path: Path, orientation: int) -> None:
    tag = [(274, 3, 1, orientation, True)]
    for kind in ("u1", "u2"):
        values = RGB.astype(kind) * (257 if kind == "u2" else 1)
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extratags=tag)
        np.testing.assert_array_equal(read_patch(tmp_path / "a.tif"), RGB)
        assert image_size(tmp_path / "a.tif") == (30, 20)


def test_a_file_of_several_pictures_is_refused_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = RGB.transpose(2, 0, 1).copy()
    for options in ({"metadata": None}, {"imagej": True}, {"metadata": {"axes": "CYX"}}):
        tifffile.imwrite(path, planes, photometric="minisblack", **options)
        with pytest.raises(UnreadableImage, match="3 pages, of which one would be read"):
            read_patch(path)
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(RGB[:, :16].copy(), photometric="rgb", metadata=None)
    with pytest.raises(UnreadableImage, match="2 pages"):
        image_size(path)


def test_smaller_copies_of_the_picture_are_no_further_pictures(tmp_path: Path) -> None:
    for kind in (0, 1):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            writer.write(RGB, photometric="rgb", metadata=None)
            writer.write(RGB[::2, ::2].copy(), photometric="rgb", metadata=None, subfiletype=kind)
        np.testing.assert_array_equal(read_patch(tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize(
    ("channels", "extra"), [(2, ["unspecified"]), (4, ["unspecified"]), (5, ["unassalpha", "unspecified"])]
)
def test_channels_that_would_be_dropped_are_refused(tmp_path: Path, channels: int, extra: list[str]) -> None:
    values = np.dstack([RGB, RGB])[..., :channels]
    model = "minisblack" if channels == 2 else "rgb"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=model, extrasamples=extra, planarconfig="contig")
    with pytest.raises(UnreadableImage, match=f"{channels} channels, of which {len(extra)} would be dropped"):
        read_patch(tmp_path / "a.tif")


def test_frames_of_png_and_jpeg_are_refused_and_previews_are_not(tmp_path: Path) -> None:
    first, second = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    for name, kind in (("a.png", "PNG"), ("b.jpg", "MPO")):
        first.save(tmp_path / name, kind, save_all=True, append_images=[second])
        with pytest.raises(UnreadableImage, match="2 frames, of which one would be read"):
            image_size(tmp_path / name)
    first.save(tmp_path / "c.jpg", "MPO", save_all=True, append_images=[second.resize((15, 10))])
    assert np.abs(read_patch(tmp_path / "c.jpg").astype(int) - RGB).mean() < 60


@pytest.mark.parametrize("compression", ["lzma", "zstd"])
def test_damage_in_other_compressions_is_an_error(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", compression=compression)
    np.testing.assert_array_equal(read_patch(path), RGB)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags["StripByteCounts"]
        tag.overwrite([tag.value[0] // 2])
    with pytest.raises(UnreadableImage):
        read_patch(path)


def test_a_strip_that_is_a_larger_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"photometric": "rgb", "compression": "jpeg2000", "rowsperstrip": 400, "metadata": None}
    tifffile.imwrite(path, np.tile(RGB, (20, 20, 1)), **options)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for name, value in (("ImageWidth", 30), ("ImageLength", 20)):
            tiff.pages.first.tags[name].overwrite(value)
    with pytest.raises(UnreadableImage, match="its strip or tile 1 is a picture of 600 x 400 px, expected 30 x 20"):
        read_patch(path)


def test_webp_in_tiff_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", compression="webp", compressionargs={"level": -1})
    assert np.abs(read_patch(tmp_path / "a.tif").astype(int) - RGB).mean() < 40


def test_pixels_that_need_too_much_memory_are_refused_before_they_are_read(tmp_path: Path) -> None:
    for name, tile in (("a", None), ("b", (16, 16))):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.zeros((32, 32), np.float64), compression="zlib", tile=tile)
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tags = tiff.pages.first.tags
            for tag in ("TileWidth", "TileLength") if tile else ("ImageWidth", "ImageLength"):
                tags[tag].overwrite(8000)
        with pytest.raises(UnreadableImage, match="of 8 bytes, more than 192 MB"):
            read_patch(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_an_error(tmp_path: Path, suffix: str, share: float) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    raw = _saved(tmp_path / f"whole.{suffix}", image).read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(UnreadableImage):
        read_patch(tmp_path / f"cut.{suffix}")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"file,label\n", "not an image"),
        ("a.jpg", b"", "empty file"),
        ("a.tif", b"hello, this is text", "not a TIFF"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "not an image"),
    ],
)
def test_a_file_that_is_not_an_image_is_an_error(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (read_patch, image_size):
        with pytest.raises(UnreadableImage, match=reason):
            read(tmp_path / name)


def test_too_small_and_too_large_are_refused_from_the_header(tmp_path: Path) -> None:
    small = _saved(tmp_path / "s.png", Image.new("RGB", (3, 3)))
    large = _saved(tmp_path / "l.png", Image.new("1", (10_000, 10_000)))
    huge = _saved(tmp_path / "h.png", Image.new("1", (20_000, 10_000)))
    for read in (read_patch, image_size):
        with pytest.raises(UnreadableImage, match="3 x 3 px, less than 16 px"):
            read(small)
        with pytest.raises(UnreadableImage, match="10000 x 10000 px, more than 64 megapixels"):
            read(large)
        with pytest.raises(UnreadableImage, match="more than 64 megapixels"):
            read(huge)


@pytest.mark.parametrize("values", [np.full((16, 16), np.nan), np.full((16, 16), -1), np.zeros((16, 16, 2), np.uint8)])
def test_values_out_of_range_and_other_shapes_are_refused(values: np.ndarray) -> None:
    with pytest.raises(UnreadableImage):
        eight_bit_rgb(values)


def test_listing_is_sorted_and_skips_hidden_files_and_studies(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/z.jpeg", "a/.hidden.png", ".git/x.png", "c.txt", "study/plot.png", "study/study.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found[0] == "a/z.jpeg"
    assert found[-1] == "b.PNG"
    assert len(found) <= 3
    assert [path.name for path in list_images(tmp_path, recursive=False)] == ["b.PNG"]
