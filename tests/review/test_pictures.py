"""Tiles and crops, and slides that were changed or removed."""

import io
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from httpx import Client
from numpy.typing import NDArray
from PIL import Image

from orbicyte.errors import OrbicyteError
from orbicyte.review import pictures as pictures_module
from orbicyte.review.pictures import Pictures
from orbicyte.review.store import ReviewStore
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.study import Study
from orbicyte.study.slides import SlideRecord, write_record

Drafting = Callable[..., dict[str, Any]]
Serving = Callable[..., Any]

WIDTH_PX, HEIGHT_PX, MPP = 1100, 700, 0.5


def write_slide(path: Path, seed: int) -> None:
    """Smooth colours as a tiled pyramid of two levels."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 255, (7, 11, 3), dtype=np.uint8))
    pixels = np.array(image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC))
    with tifffile.TiffWriter(path) as file:
        for step in (1, 4):
            file.write(pixels[::step, ::step], tile=(256, 256), photometric="rgb", subfiletype=int(step > 1))


@pytest.fixture
def record(tmp_path: Path) -> SlideRecord:
    path = tmp_path / "a.tif"
    write_slide(path, seed=0)
    with open_slide(path, MPP) as slide:
        info = slide.info
    return record_of("a", info, MPP)


def pixels(jpeg: bytes) -> NDArray[np.float64]:
    return np.array(Image.open(io.BytesIO(jpeg)), dtype=np.float64)


def test_the_tiles_of_a_level_join_to_the_slide(record: SlideRecord) -> None:
    pictures = Pictures()
    for level, width_px, height_px in ((11, 1100, 700), (10, 550, 350), (8, 138, 88)):
        rows = [
            np.hstack([pixels(pictures.tile(record, level, x, y)) for x in range(-(-width_px // 256))])
            for y in range(-(-height_px // 256))
        ]
        whole = np.vstack(rows)
        assert whole.shape == (height_px, width_px, 3)
        with open_slide(record.path, MPP) as slide:
            true = slide.read(0, 0, width_px, height_px, MPP * 2 ** (11 - level))
        assert np.abs(whole - true).mean() < 3  # of 255: the loss of JPEG


def test_the_lowest_level_is_one_pixel(record: SlideRecord) -> None:
    assert pixels(Pictures().tile(record, 0, 0, 0)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "place", [(12, 0, 0), (-1, 0, 0), (5000, 0, 0), (-100_000, 0, 0), (11, 5, 0), (11, 0, 3), (11, -1, 0), (0, 1, 0)]
)
def test_an_unknown_tile_is_an_error(place: tuple[int, int, int], record: SlideRecord) -> None:
    with pytest.raises(OrbicyteError, match="no tile"):
        Pictures().tile(record, *place)


def test_a_crop_shows_the_given_micrometres_around_the_cell(record: SlideRecord) -> None:
    crop = pixels(Pictures().crop(record, 600.5, 300, 48, 24))
    with open_slide(record.path, MPP) as slide:
        true = slide.read(576.5, 276, 48, 48, MPP)
    assert crop.shape == (48, 48, 3)
    assert np.abs(crop - true).mean() < 3


def test_beyond_the_slide_a_crop_is_white(record: SlideRecord) -> None:
    crop = pixels(Pictures().crop(record, 0, 0, 64, 32))
    assert crop[:28, :28].min() > 250
    assert crop[40:, 40:].min() < 250


def test_threads_get_the_same_pictures_as_one(record: SlideRecord) -> None:
    places = [(float(x), float(y)) for x in range(50, 1000, 95) for y in range(50, 650, 95)]
    alone = [Pictures().crop(record, x, y, 32, 16) for x, y in places[:20]]
    pictures = Pictures()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda place: pictures.crop(record, place[0], place[1], 32, 16), places * 2))
    assert made[:20] == alone
    assert made[: len(places)] == made[len(places) :]


def test_pictures_are_cached_up_to_a_limit(record: SlideRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "CACHE_BYTES", 20_000)
    pictures = Pictures()
    first = pictures.tile(record, 11, 0, 0)
    for column in range(4):
        pictures.tile(record, 11, column, 1)
    assert sum(map(len, pictures._made.values())) == pictures._made.currsize <= 20_000
    assert pictures.tile(record, 11, 0, 0) == first


def test_a_slide_that_is_removed_replaced_or_restored_is_noticed(record: SlideRecord, tmp_path: Path) -> None:
    pictures, path = Pictures(), Path(record.path)
    assert pictures.problem(record) is None
    kept = shutil.copy2(path, tmp_path / "kept.tif")
    path.unlink()
    assert str(path) in str(pictures.problem(record))
    write_slide(path, seed=1)
    assert "is not the slide on which the cells of a were detected" in str(pictures.problem(record))
    with pytest.raises(OrbicyteError, match="is not the slide"):
        pictures.tile(record, 11, 0, 0)
    with pytest.raises(OrbicyteError, match="is not the slide"):
        pictures.crop(record, 30, 30, 32, 16)
    shutil.move(kept, path)
    assert pictures.problem(record) is None
    assert pictures.tile(record, 11, 0, 0)


@pytest.fixture
def shown(found: Study, record: SlideRecord, serving: Serving) -> Any:
    """A client of a study in which slide ``a`` has an image file and ``b`` has none."""
    write_record(found, record)
    with serving(found) as client:
        yield client


def test_the_server_sends_tiles_and_crops(shown: Client, found: Study, draft: Drafting) -> None:
    slides = shown.get("/api/study").json()["slides"]
    assert slides[0]["problem"] is None
    assert "b.tif" in slides[1]["problem"]
    tile = shown.get("/tiles/a/11/0_0.jpg")
    assert tile.headers["Content-Type"] == "image/jpeg"
    assert pixels(tile.content).shape == (256, 256, 3)
    with ReviewStore.open(found) as store:
        store.append("Ada", [draft("a", "new", "add", x_px=100, y_px=100, diameter_px=20)])
    shown.get("/api/events?since=0&reader=Ada")
    crop = shown.get("/crops/a/new.jpg?px=32&um=16&v=1")
    assert "immutable" in crop.headers["Cache-Control"]
    assert pixels(crop.content).shape == (32, 32, 3)
    body = {"reader": "Bo", "events": [draft("a", "new", "move", x_px=900, y_px=500)]}
    shown.post("/api/events", json=body)
    moved = shown.get("/crops/a/new.jpg?px=32&um=16&v=2")
    with open_slide(found.path.parent / "a.tif", MPP) as slide:
        assert np.abs(pixels(moved.content) - slide.read(884, 484, 32, 32, MPP)).mean() < 3


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("/tiles/a/99/0_0.jpg", 404),
        ("/tiles/a/-100000/0_0.jpg", 404),
        ("/tiles/a/x/0_0.jpg", 400),
        ("/tiles/b/0/0_0.jpg", 404),
        ("/tiles/c/0/0_0.jpg", 404),
        ("/crops/a/nobody.jpg", 400),
        ("/crops/a/nobody.jpg?px=100000", 400),
        ("/crops/a/nobody.jpg?um=nan", 400),
    ],
)
def test_an_unknown_picture_gets_one_line(route: str, status: int, shown: Client) -> None:
    answer = shown.get(route)
    assert answer.status_code == status
    assert answer.json()["problem"].count("\n") == 0
