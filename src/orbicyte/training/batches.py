"""Batches of stored patches, each read at once from the memory map, in an order that depends on (seed, epoch)."""

from collections.abc import Iterator

import lightning as L
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from orbicyte.arrays import Pixels, Rows
from orbicyte.training.randomness import generator


class Patches(Dataset[Tensor]):
    """Stored patches of the given rows: a list of B indices into ``rows`` -> (B, S, S, 3) uint8.

    ``images``: (N, S, S, 3), usually a memory map.
    """

    def __init__(self, images: Pixels, rows: Rows) -> None:
        self.images = images
        self.rows = rows

    def __getitem__(self, batch: list[int]) -> Tensor:
        """One batch, (B, S, S, 3) uint8."""
        return torch.from_numpy(self.images[self.rows[batch]])


class EpochOrder(Sampler[list[int]]):
    """Lists of indices, one list per batch of this process; each epoch has its own order if ``shuffle``."""

    def __init__(self, cells: int, batch_size: int, seed: int, rank: int, world: int, shuffle: bool) -> None:
        self.cells, self.batch_size, self.seed = cells, batch_size, seed
        self.rank, self.world, self.shuffle = rank, world, shuffle
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(self.cells, self.batch_size * self.world)
        keep_rest = rest >= self.world and (not self.shuffle or whole == 0)
        return whole + keep_rest

    def __iter__(self) -> Iterator[list[int]]:
        """Training drops an incomplete last batch, which would have too few cells for batch norm."""
        order = torch.arange(self.cells)
        if self.shuffle:
            order = torch.randperm(self.cells, generator=generator(self.seed, "order", self.epoch))
        for batch in range(len(self)):
            start = batch * self.batch_size * self.world
            together = order[start : start + self.batch_size * self.world]
            yield together[: len(together) // self.world * self.world][self.rank :: self.world].tolist()


class PatchBatches(L.LightningDataModule):
    """The training and validation cells of one fold, given as rows of ``images`` (N, S, S, 3)."""

    def __init__(
        self,
        images: Pixels,
        train: Rows,
        validation: Rows,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.images, self.train, self.validation = images, train, validation
        self.batch_size, self.seed = batch_size, seed

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches of training cells, (B, S, S, 3) uint8, shuffled.

        An incomplete last batch is dropped unless it is the only one.
        """
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Batches of validation cells, (B, S, S, 3) uint8, in order; the last one may be smaller."""
        return self._loader(self.validation, shuffle=False)

    def _loader(self, rows: Rows, shuffle: bool) -> DataLoader[Tensor]:
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        order = EpochOrder(len(rows), self.batch_size, self.seed, rank, world, shuffle)
        return DataLoader(Patches(self.images, rows), batch_size=None, sampler=order)
