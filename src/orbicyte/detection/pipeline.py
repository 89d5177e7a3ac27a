"""Tiles through the detector: each goes from reading to its cells on one core, so that no core waits for another.

Whatever the image's size, as many tiles are in memory as there are threads, on a CPU four at most.
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
from orbicyte.slides.prefetch import prefetch

TILES_ON_GPU = 4
TILES_ON_CPU = 4
"""Tiles at work at once on a CPU, about 0.3 GB each; more cores than that share them."""
ON_GPU = threading.Lock()

A = TypeVar("A")


class Finder:
    """Finds cells with ``network``, which is at work at ``mpp`` µm per pixel, on ``device``."""

    def __init__(self, network: UNet, mpp: float, rules: Separation, device: torch.device):
        self.multiple_px = network.multiple_px
        self.mpp = mpp
        self.rules = rules
        self.device = device
        self._network = network.fused().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def batch(self) -> int:
        """Tiles that go through the network at once."""
        return TILES_ON_GPU if self.device.type == "cuda" else 1

    @contextmanager
    def cores(self, tiles: int) -> Iterator[tuple[Executor, int]]:
        """A pool for so many tiles, of at most as many threads as PyTorch has, its own shared out; and how many.

        A tile to a core is faster than all cores at one tile, which wait for each other at every layer and are idle
        while it is read and separated.
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
        """The cells of ``image``, each once, in its pixels. ``done(n)`` is called whenever ``n`` more tiles are."""
        found: list[Found] = []

        def cells(batch: Sequence[Tile]) -> list[list[Found]]:
            maps = self.answers([read_tile(image, tile, HALO_PX) for tile in batch])
            return [self._cells(image, tile, of_tile) for tile, of_tile in zip(batch, maps, strict=True)]

        with self.cores(len(tiles)) as (pool, number):
            for part in prefetch(pool, cells, batches(tiles, self.batch), number):
                for of_tile in part:
                    found.extend(of_tile)
                if done is not None:
                    done(len(part))
        return deduplicate(found)

    @torch.inference_mode()
    def answers(self, images: Sequence[Pixels]) -> Floats:
        """Nucleus, cell and distance (B, 3, H, W), 0 to 1, of images (H, W, 3). Many threads may ask at once."""
        # On a GPU one batch at a time, or its memory would be needed as often as there are threads.
        with nullcontext() if self.device.type == "cpu" else ON_GPU:
            pixels = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2).float().div_(255)
            return np.asarray(torch.sigmoid_(self._network(pixels)).float().cpu().numpy())

    def _cells(self, image: Image, tile: Tile, maps: Floats) -> list[Found]:
        """The cells that belong to ``tile``, from the part of ``maps`` that the image shows: not from its mirror."""
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
    """``found`` without what two tiles found both: of two centres within the tiles' margins, the better score stays."""
    if len(found) < 2:
        return found
    places = cKDTree([(one.x_px, one.y_px) for one in found])
    dropped: set[int] = set()
    for first, second in sorted(places.query_pairs(2 * MARGIN_PX)):
        if first not in dropped and second not in dropped:
            dropped.add(first if found[first].score < found[second].score else second)
    return [one for number, one in enumerate(found) if number not in dropped]


def batches(items: Iterable[A], size: int) -> Iterator[list[A]]:
    """Lists of ``size`` items, the last one shorter."""
    items = iter(items)
    while part := list(islice(items, size)):
        yield part
