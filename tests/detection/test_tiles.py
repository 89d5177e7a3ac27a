from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from orbicyte.detection.tiles import Tile, plan, read_tile
from orbicyte.detection.tissue import Tissue


@dataclass(frozen=True)
class Picture:
    pixels: NDArray[np.uint8]

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    def read(self, left_px: int, top_px: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
        assert min(left_px, top_px) >= 0
        assert left_px + width_px <= self.width_px
        assert top_px + height_px <= self.height_px
        return self.pixels[top_px : top_px + height_px, left_px : left_px + width_px]


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([16, 64, 128]))
def test_cores_cover_every_pixel_once(width: int, height: int, core: int) -> None:
    covered = np.zeros((height, width), int)
    for tile in plan(width, height, core, 16):
        assert tile.left_px % 16 == tile.top_px % 16 == 0
        assert tile.width_px % 16 == tile.height_px % 16 == 0
        assert max(tile.width_px, tile.height_px) <= core
        right, bottom = tile.left_px + tile.width_px, tile.top_px + tile.height_px
        covered[tile.top_px : bottom, tile.left_px : right] += 1
    assert (covered == 1).all()


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_tile_is_read_with_its_halo_and_mirrored_beyond_the_image(width: int, height: int) -> None:
    picture = Picture(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    around = np.pad(picture.pixels, ((32, 300), (32, 300), (0, 0)), mode="reflect")
    for tile in plan(width, height, 64, 16):
        pixels = read_tile(picture, tile, 32)
        assert pixels.shape == (tile.height_px + 64, tile.width_px + 64, 3)
        seen = pixels[32 : 32 + height - tile.top_px, 32 : 32 + width - tile.left_px]
        expected = around[32 + tile.top_px :, 32 + tile.left_px :][: seen.shape[0], : seen.shape[1]]
        within = np.s_[: height - tile.top_px, : width - tile.left_px]
        assert (seen[within] == expected[within]).all()


def lone_cell(x: int, y: int, glass: int = 240) -> NDArray[np.uint8]:
    picture = np.full((200, 200, 3), glass, np.uint8)
    picture[y, x] = glass - 40
    return picture


@pytest.mark.parametrize("place", [(50, 50), (5, 60), (64, 64), (63, 127)])
def test_a_single_cell_is_tissue_in_its_tile_and_empty_glass_is_not(place: tuple[int, int]) -> None:
    tissue = Tissue(lone_cell(*place), step_px=16.0)
    x, y = place
    on = [tile for tile in plan(3200, 3200, 1024, 16) if tissue.on(tile)]
    assert any(tile.has(16 * x + 8, 16 * y + 8, 0) for tile in on)
    assert len(on) <= 4


@pytest.mark.parametrize("glass", [255, 240, 128])
def test_glass_of_any_colour_is_empty(glass: int) -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (200, 200, 3))
    tissue = Tissue((np.full((200, 200, 3), glass) + noise).clip(0, 255).astype(np.uint8), step_px=16.0)
    assert not any(tissue.on(tile) for tile in plan(3200, 3200, 1024, 16))


def test_a_point_belongs_to_the_core_that_contains_it() -> None:
    tile = Tile(64, 64, 64, 64)
    assert tile.has(64, 127.9, 0)
    assert not tile.has(63.9, 100, 0)
    assert not tile.has(128, 100, 0)
    assert tile.has(63.9, 100)
