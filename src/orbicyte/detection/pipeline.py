"""Detection on tiles: one core does all steps of a tile, from reading to its cells, so that no core waits for another.

For any size of image, the number of tiles in memory is that of the threads, on a CPU at most four.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from scipy.spatial import cKDTree

from orbicyte.arrays import Floats, Pixels
from orbicyte.detection.tiles import HALO_PX, MARGIN_PX, Image, Tile, read_tile
from orbicyte.detection.unet import UNet
from orbicyte.detection.watershed import Found, Separation, separate
from orbicyte.prefetch import prefetch

TILES_ON_GPU = 4
TILES_ON_CPU = 4
"""Tiles processed at the same time on a CPU, about 0.3 GB each; further cores share them."""
ON_GPU = threading.Lock()

A = TypeVar("A")


class Finder:
    """Detects cells with ``network``, whose working resolution is ``mpp`` µm per pixel, on ``device``."""

    def __init__(self, network: UNet, mpp: float, rules: Separation, device: torch.device):
        self.multiple_px = network.multiple_px
        self.mpp = mpp
        self.rules = rules
        self.device = device
        self._network = network.fused().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def batch(self) -> int:
        """The number of tiles in one pass through the network."""
        return TILES_ON_GPU if self.device.type == "cuda" else 1

    @contextmanager
    def cores(self, tiles: int) -> Iterator[tuple[Executor, int]]:
        """A thread pool for this number of tiles, and its number of threads; PyTorch's threads are divided among them.

        One tile per core is faster than all cores on one tile: these would wait for each other at every layer, and be
        idle while the tile is read and its cells are separated.
        """
        threads = torch.get_num_threads()
        batches = -(-tiles // self.batch)
        number = max(1, min(threads, batches, TILES_ON_CPU if self.device.type == "cpu" else batches))
        try:
            with ThreadPoolExecutor(number, initializer=torch.set_num_threads, initargs=(threads // number,)) as pool:
                yield pool, number
        finally:
            torch.set_num_threads(threads)

    def find(self, image: Image, tiles: Sequence[Tile], done: Callable[[int], None] | None = None) -> list[Found]:
        """The cells in ``image``, deduplicated, in its pixels. ``done(n)`` is called when ``n`` more tiles are done.

        Errors of ``image.read`` are raised, such as ``UnreadableSlide``.
        """
        found: list[Found] = []

        def cells(batch: Sequence[Tile]) -> list[list[Found]]:
            maps = self.predict([read_tile(image, tile, HALO_PX) for tile in batch])
            return [self._cells(image, tile, of_tile) for tile, of_tile in zip(batch, maps, strict=True)]

        with self.cores(len(tiles)) as (pool, number):
            for part in prefetch(pool, cells, batches(tiles, self.batch), number):
                for of_tile in part:
                    found.extend(of_tile)
                if done is not None:
                    done(len(part))
        return deduplicate(found)

    @torch.inference_mode()
    def predict(self, images: Sequence[Pixels]) -> Floats:
        """The maps nucleus, cell and distance (B, 3, H, W), 0 to 1, of B images (H, W, 3). Thread-safe."""
        # On a GPU one batch at a time: otherwise every thread would need GPU memory for a batch.
        with nullcontext() if self.device.type == "cpu" else ON_GPU:
            pixels = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2).float().div_(255)
            return np.asarray(torch.sigmoid_(self._network(pixels)).float().cpu().numpy())

    def _cells(self, image: Image, tile: Tile, maps: Floats) -> list[Found]:
        """The cells that belong to ``tile``, from the part of ``maps`` that is within the image, without its mirror."""
        left, top = tile.left_px - HALO_PX, tile.top_px - HALO_PX
        rows = slice(max(0, -top), image.height_px - top)
        columns = slice(max(0, -left), image.width_px - left)
        cells = separate(maps[:, rows, columns], self.mpp, self.rules)
        moved = (_moved(one, max(0, left), max(0, top)) for one in cells)
        return [one for one in moved if tile.has(one.x_px, one.y_px)]


def _moved(found: Found, left_px: int, top_px: int) -> Found:
    outline = found.outline_px + np.array((left_px, top_px))
    return replace(found, x_px=found.x_px + left_px, y_px=found.y_px + top_px, outline_px=outline)


def deduplicate(found: list[Found]) -> list[Found]:
    """``found`` without duplicates from two tiles: of centres closer than two margins, the better score is kept."""
    if len(found) < 2:
        return found
    places = cKDTree([(one.x_px, one.y_px) for one in found])
    dropped: set[int] = set()
    for first, second in sorted(places.query_pairs(2 * MARGIN_PX)):
        if first not in dropped and second not in dropped:
            dropped.add(first if found[first].score < found[second].score else second)
    return [one for number, one in enumerate(found) if number not in dropped]


def batches(items: Iterable[A], size: int) -> Iterator[list[A]]:
    """Lists of ``size`` items; the last one may be shorter."""
    items = iter(items)
    while part := list(islice(items, size)):
        yield part
