import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from orbicyte.errors import OrbicyteError
from orbicyte.slides import reader
from orbicyte.slides.reader import UnreadableSlide, best_level, open_slide, require_mpp

Pixels = NDArray[np.uint8]
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_metadata_of_the_file_are_read(write_pyramid: Callable[..., Path], speckled: Pixels) -> None:
    with open_slide(write_pyramid("a.tif", speckled, levels=3)) as slide:
        info = slide.info
    assert (info.vendor, info.width_px, info.height_px) == ("generic-tiff", 420, 300)
    assert info.level_sizes == ((420, 300), (210, 150), (105, 75))
    assert info.downsamples == (1.0, 2.0, 4.0)
    assert info.mpp == pytest.approx(0.25)


@same_folder
@given(x=st.integers(-500, 500), y=st.integers(-400, 400), width=st.integers(1, 300), height=st.integers(1, 300))
def test_a_region_has_the_stored_pixels_and_white_outside(
    write_pyramid: Callable[..., Path], speckled: Pixels, x: int, y: int, width: int, height: int
) -> None:
    around = np.pad(speckled, ((800, 800), (800, 800), (0, 0)), constant_values=255)
    image = write_pyramid("plain.tif", speckled, tile=None, compression=None)
    for path in (write_pyramid("a.tif", speckled), image):
        with open_slide(path) as slide:
            assert (slide.info.vendor == "image") == (path == image)
            found = slide.region(x, y, width, height)
            assert found.dtype == np.uint8
            assert (found == around[y + 800 : y + 800 + height, x + 800 : x + 800 + width]).all()


@pytest.mark.parametrize(("mpp", "level"), [(0.25, 0), (0.5, 1), (1.0, 2)])
def test_pixels_stored_at_the_requested_scale_are_not_resampled(
    write_pyramid: Callable[..., Path], speckled: Pixels, mpp: float, level: int
) -> None:
    with open_slide(write_pyramid("a.tif", speckled, levels=3)) as slide:
        stored = slide.region(40, 80, 30, 20, level)
        assert (slide.read(40, 80, 30, 20, mpp) == stored).all()


def _dot(x_px: float, y_px: float) -> Pixels:
    """A dark round dot centred at (x_px, y_px) on 401 x 303 px; pixel 0 spans 0 to 1."""
    rows, columns = np.mgrid[:303, :401] + 0.5
    darkness = np.exp(-((columns - x_px) ** 2 + (rows - y_px) ** 2) / 200)
    return np.repeat(np.rint(230 - 200 * darkness).astype(np.uint8)[..., None], 3, axis=2)


@same_folder
@given(
    x=st.floats(190, 210), y=st.floats(140, 160), left=st.floats(80, 120), top=st.floats(40, 80), mpp=st.floats(0.2, 2)
)
def test_a_point_is_where_it_should_be_to_a_tenth_of_a_pixel(
    write_pyramid: Callable[..., Path], x: float, y: float, left: float, top: float, mpp: float
) -> None:
    scale = mpp / 0.25
    side = round(200 / scale)
    with open_slide(write_pyramid("dot.tif", _dot(x, y), levels=3)) as slide:
        darkness = 230.0 - slide.read(left, top, side, side, mpp)[..., 0]
    darkness[darkness < 2] = 0
    rows, columns = np.mgrid[:side, :side] + 0.5
    assert abs((darkness * columns).sum() / darkness.sum() * scale + left - x) < 0.1
    assert abs((darkness * rows).sum() / darkness.sum() * scale + top - y) < 0.1


@same_folder
@given(mpp=st.floats(0.2, 1.5), x=st.floats(-20, 60), y=st.floats(-20, 60), parts=st.sampled_from([(20, 40), (31, 29)]))
def test_adjacent_regions_fit_without_a_seam(
    write_pyramid: Callable[..., Path], speckled: Pixels, mpp: float, x: float, y: float, parts: tuple[int, int]
) -> None:
    with open_slide(write_pyramid("a.tif", speckled, levels=2)) as slide:
        whole = slide.read(x, y, 60, 50, mpp).astype(int)
        left = slide.read(x, y, parts[0], 50, mpp)
        right = slide.read(x + parts[0] * mpp / slide.info.mpp, y, parts[1], 50, mpp) if slide.info.mpp else left
    assert abs(np.hstack([left, right]) - whole).max() <= 2


def test_large_regions_are_read_in_blocks(
    write_pyramid: Callable[..., Path], speckled: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_slide(write_pyramid("a.tif", speckled)) as slide:
        whole = slide.thumbnail(70).astype(int)
        monkeypatch.setattr(reader, "BLOCK_PX", 5000)
        largest = 0
        region = slide._source.region

        def watched(x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> Image.Image:
            nonlocal largest
            largest = max(largest, width_px * height_px)
            return region(x_px, y_px, width_px, height_px, level)

        monkeypatch.setattr(slide._source, "region", watched)
        assert whole.shape == (50, 70, 3)
        assert abs(slide.thumbnail(70) - whole).max() <= 12
    assert 0 < largest < speckled[..., 0].size / 3


def test_pixels_that_cover_whole_stored_pixels_are_their_means(
    write_pyramid: Callable[..., Path], speckled: Pixels
) -> None:
    with open_slide(write_pyramid("a.tif", speckled)) as slide:
        means = speckled[60:120, 30:180].reshape(20, 3, 50, 3, 3).mean((1, 3))
        assert abs(slide.read(30, 60, 50, 20, 0.75) - means).max() < 0.6  # Pillow rounds in fixed point


def test_averages_are_weighted_by_area(write_pyramid: Callable[..., Path], speckled: Pixels) -> None:
    with open_slide(write_pyramid("a.tif", speckled)) as slide:
        assert abs(slide.read(0, 0, 42, 30, 2.5).mean() - speckled.mean()) < 1
        assert slide.read(100, 100, 20, 20, 2.5).std() < speckled.std() / 6


@pytest.mark.parametrize(
    ("scale", "level"), [(0.5, 0), (1.0, 0), (1.9, 0), (1.97, 1), (2.0, 1), (3.9, 1), (3.97, 2), (100.0, 2)]
)
def test_the_level_is_the_smallest_that_is_fine_enough(scale: float, level: int) -> None:
    assert best_level((1.0, 2.0, 4.0), scale) == level


def test_given_mpp_overrides_and_unknown_mpp_is_an_error(write_pyramid: Callable[..., Path], speckled: Pixels) -> None:
    path = write_pyramid("a.tif", speckled, mpp=None)
    with open_slide(path) as slide:
        assert slide.info.mpp is None
        with pytest.raises(OrbicyteError, match=r"a\.tif does not state its µm per pixel: give --mpp"):
            slide.read(0, 0, 8, 8, 0.5)
    with open_slide(path, mpp=0.5) as slide:
        assert require_mpp(slide.info) == 0.5
    with open_slide(write_pyramid("b.tif", speckled), mpp=0.3) as slide:
        assert slide.info.mpp == 0.3
        assert slide.default_mpp is None
    with open_slide(path, default_mpp=0.5) as slide:
        assert (slide.info.mpp, slide.default_mpp) == (0.5, 0.5)
    with open_slide(write_pyramid("b.tif", speckled), default_mpp=0.3) as slide:
        assert slide.info.mpp == pytest.approx(0.25)
        assert slide.default_mpp is None
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(OrbicyteError, match="positive"):
            open_slide(path, mpp=wrong)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.jpg", "deep.tif", "strips.tif"])
def test_plain_images_are_read(name: str, tmp_path: Path, speckled: Pixels) -> None:
    path = tmp_path / name
    smooth = np.broadcast_to(np.linspace(30, 220, 200)[None, :, None], (100, 200, 3)).astype(np.uint8)
    if name.endswith(".tif"):
        deep = smooth.astype(np.uint16) * 257
        tifffile.imwrite(path, deep if name == "deep.tif" else smooth, photometric="rgb", rowsperstrip=7)
    else:
        Image.fromarray(smooth).save(path)
    with open_slide(path, mpp=0.25) as slide:
        assert (slide.info.vendor, slide.info.level_sizes) == ("image", ((200, 100),))
        assert abs(slide.region(0, 0, 200, 100).astype(int) - smooth).max() <= 3
        assert slide.read(0, 0, 100, 50, 0.5).shape == (50, 100, 3)


def test_a_file_that_is_not_a_slide_is_a_one_line_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "text.svs").write_text("no slide")
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "folder.svs").mkdir()
    for name in ("text.svs", "empty.tif", "folder.svs", "absent.svs", "absent.png"):
        with pytest.raises(UnreadableSlide, match=f"^[^\n]*{name}: [^\n]+$"):
            open_slide(tmp_path / name)


def test_a_damaged_region_is_an_error_and_the_others_can_still_be_read(
    write_pyramid: Callable[..., Path], speckled: Pixels
) -> None:
    path = write_pyramid("a.tif", speckled)
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 200)
    wrong: list[str] = []

    def read(number: int, slide: reader.SlideReader) -> None:
        for _ in range(20):
            if number % 2:
                try:
                    slide.region(0, 0, 64, 64)
                    wrong.append("damage gave no error")
                except UnreadableSlide as error:
                    if "a.tif: damaged: level 0, 64 x 64 px at x 0, y 0 cannot be decoded" not in str(error):
                        wrong.append(str(error))
            elif (slide.region(128, 64, 64, 64) != speckled[64:128, 128:192]).any():
                wrong.append("other pixels")

    with open_slide(path) as slide:
        threads = [threading.Thread(target=read, args=(number, slide)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_real_slides_are_read(data: Path) -> None:
    with open_slide(data / "slides" / "cmu-1-small-region.svs") as slide:
        assert (slide.info.vendor, slide.info.mpp) == ("aperio", 0.499)
        assert slide.read(-50, -50, 64, 64, 1.0)[:20, :20].min() == 255
        assert slide.read(800, 900, 300, 300, 0.5).std() > 10
    with open_slide(data / "slides" / "tcga-cr-7395-01a-01-ts1.svs", mpp=0.25) as slide:
        assert slide.info.downsamples == (1.0, 2.0)
        fine = slide.read(4000, 3000, 300, 300, 0.25).astype(float).reshape(150, 2, 150, 2, 3).mean((1, 3))
        assert abs(slide.read(4000, 3000, 150, 150, 0.5) - fine).mean() < 6  # the far corner is at the same position
