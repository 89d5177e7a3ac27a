"""Writes tiled pyramidal TIFF, which OpenSlide and viewers can open; memory does not grow with the slide."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from orbicyte.arrays import Pixels

TILE_PX = 256
LEVEL_STEP = 2
LEVELS = 5
SQUARE_PX = TILE_PX * LEVEL_STEP ** (LEVELS - 1)  # a square of whole tiles on every level
QUALITY = 90


class Tiles:
    """Encoded tiles by level, row and column, in a temporary file until they are written to the TIFF.

    A context manager; ``folder``: the location of that file, which the system removes even if the process is killed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed on exit)
        self._spans: dict[tuple[int, int, int], tuple[int, int]] = {}

    def __enter__(self) -> "Tiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __setitem__(self, key: tuple[int, int, int], data: bytes) -> None:
        self._spans[key] = (self._file.seek(0, io.SEEK_END), len(data))
        self._file.write(data)

    def __getitem__(self, key: tuple[int, int, int]) -> bytes:
        start, length = self._spans[key]
        self._file.seek(start)
        return self._file.read(length)


def add_square(tiles: Tiles, image: Pixels, left_px: int, top_px: int) -> None:
    """Encode a part (H, W, 3) of the slide on all levels; its upper left corner must be a multiple of ``SQUARE_PX``."""
    for level in range(LEVELS):
        down = LEVEL_STEP**level
        for row, column, tile in cut(image, left_px // down, top_px // down, mode="edge"):
            tiles[level, row, column] = _jpeg(tile)
        image = _halved(image)


def cut(
    image: NDArray[np.generic], left_px: int, top_px: int, mode: str
) -> Iterator[tuple[int, int, NDArray[np.generic]]]:
    """Row, column and pixels of the tiles of an image (H, W, ...), padded to whole tiles by ``mode`` of np.pad."""
    for top in range(0, len(image), TILE_PX):
        for left in range(0, image.shape[1], TILE_PX):
            tile = image[top : top + TILE_PX, left : left + TILE_PX]
            missing = [(0, TILE_PX - side) for side in tile.shape[:2]] + [(0, 0)] * (image.ndim - 2)
            filled = np.pad(tile, missing, mode=mode)  # type: ignore[call-overload]
            yield (top_px + top) // TILE_PX, (left_px + left) // TILE_PX, filled


def write_pyramid(path: Path, tiles: Tiles, size_px: tuple[int, int], mpp: float, repeat: tuple[int, int]) -> None:
    """Write the slide of that width and height, ``repeat`` times side by side and below one another."""
    sizes = [(size_px[0] // down, size_px[1] // down) for down in (LEVEL_STEP**level for level in range(LEVELS))]
    whole = [level for level, size in enumerate(sizes) if min(size) >= 1 and _tiles_whole(size, repeat)]
    with tifffile.TiffWriter(path, bigtiff=size_px[0] * size_px[1] * repeat[0] * repeat[1] > 2**31) as file:
        for level in whole:
            width, height = sizes[level]
            per_cm = 1e4 / (mpp * LEVEL_STEP**level)
            file.write(
                _in_order(tiles, level, sizes[level], repeat),
                shape=(height * repeat[1], width * repeat[0], 3),
                dtype=np.uint8,
                tile=(TILE_PX, TILE_PX),
                photometric="ycbcr",
                compression="jpeg",
                subsampling=(2, 1),
                subfiletype=1 if level else 0,
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                metadata=None,
                software=False,
            )


def grid(size_px: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the tiles of an image of that width and height."""
    return -(-size_px[1] // TILE_PX), -(-size_px[0] // TILE_PX)


def _tiles_whole(size_px: tuple[int, int], repeat: tuple[int, int]) -> bool:
    return repeat == (1, 1) or all(side % TILE_PX == 0 for side in size_px)


def _in_order(tiles: Tiles, level: int, size_px: tuple[int, int], repeat: tuple[int, int]) -> Iterator[bytes]:
    rows, columns = grid(size_px)
    for row in range(rows * repeat[1]):
        for column in range(columns * repeat[0]):
            yield tiles[level, row % rows, column % columns]


def _jpeg(tile: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(tile).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return stream.getvalue()


def _halved(image: Pixels) -> Pixels:
    """Means of 2 x 2 pixels; an odd last row or column is repeated."""
    even = np.pad(image, [(0, side % 2) for side in image.shape[:2]] + [(0, 0)], mode="edge").astype(np.uint16)
    total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return ((total + 2) // 4).astype(np.uint8)
