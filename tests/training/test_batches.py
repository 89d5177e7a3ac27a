import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.training.batches import EpochOrder, PatchBatches, Patches
from orbicyte.training.fit import quiet_lightning


def order(cells: int, size: int, rank: int = 0, world: int = 1, epoch: int = 0, seed: int = 0) -> EpochOrder:
    made = EpochOrder(cells, size, seed, rank, world, shuffle=True)
    made.set_epoch(epoch)
    return made


def together(cells: int, size: int, world: int, shuffle: bool = True) -> list[list[list[int]]]:
    """Batches of every process at each step."""
    ranks = [EpochOrder(cells, size, 0, rank, world, shuffle) for rank in range(world)]
    return [list(step) for step in zip(*ranks, strict=True)]


@given(st.integers(2, 200), st.integers(2, 32), st.integers(1, 4), st.booleans())
def test_no_cell_is_repeated_and_every_process_has_equal_batches(
    cells: int, size: int, world: int, shuffle: bool
) -> None:
    steps = together(cells, size, world, shuffle)
    seen = [cell for step in steps for batch in step for cell in batch]
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(range(cells))
    assert all(len({len(batch) for batch in step}) == 1 for step in steps)
    assert all(0 < len(batch) <= size for step in steps for batch in step)
    for rank in range(world):
        assert len(EpochOrder(cells, size, 0, rank, world, shuffle)) == len(steps)


@given(st.integers(2, 200), st.integers(2, 32), st.integers(1, 4))
def test_training_uses_all_cells_except_an_incomplete_batch(cells: int, size: int, world: int) -> None:
    seen = sum(len(batch) for step in together(cells, size, world) for batch in step)
    whole = cells // (size * world) * size * world
    assert seen == (whole or cells // world * world)


@given(st.integers(2, 200), st.integers(2, 32), st.integers(1, 4))
def test_validation_uses_all_cells_that_processes_can_share_equally(cells: int, size: int, world: int) -> None:
    steps = together(cells, size, world, shuffle=False)
    seen = sorted(cell for step in steps for batch in step for cell in batch)
    assert seen == list(range(cells // world * world))


@given(st.integers(8, 100), st.integers(2, 8))
def test_two_processes_see_the_batches_of_one_process(cells: int, size: int) -> None:
    """Two processes with batches of n see at each step what one process with batches of 2n sees."""
    one = together(cells, 2 * size, 1)
    two = together(cells, size, 2)
    full = cells // (2 * size)
    assert [sorted(step[0]) for step in one[:full]] == [sorted(step[0] + step[1]) for step in two[:full]]


def test_the_order_depends_on_seed_and_epoch_only() -> None:
    first = list(order(50, 8, epoch=3))
    torch.manual_seed(99)
    torch.rand(7)
    assert list(order(50, 8, epoch=3)) == first
    assert list(order(50, 8, epoch=4)) != first
    assert list(order(50, 8, epoch=3, seed=1)) != first
    again = order(50, 8, epoch=3)
    assert list(again) == list(again) == first


def test_a_few_cells_are_one_batch() -> None:
    assert [sorted(batch) for batch in order(5, 8)] == [[0, 1, 2, 3, 4]]


@pytest.fixture
def batches() -> PatchBatches:
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    return PatchBatches(images, np.arange(0, 12), np.arange(15, 20), batch_size=4, seed=0)


def test_batches_are_patches_of_their_rows(batches: PatchBatches) -> None:
    training = list(batches.train_dataloader())
    assert [batch.shape for batch in training] == [(4, 4, 4, 3)] * 3
    assert all(batch.dtype == torch.uint8 for batch in training)
    assert sorted(int(patch.max()) for batch in training for patch in batch) == list(range(12))
    validation = torch.cat(list(batches.val_dataloader()))
    assert [int(patch.max()) for patch in validation] == [15, 16, 17, 18, 19]


def test_patches_are_read_in_the_requested_order(batches: PatchBatches) -> None:
    some = Patches(batches.images, np.array([9, 3, 5]))[[2, 0]]
    assert [int(patch.max()) for patch in some] == [5, 9]


def test_lightning_sets_the_order_of_each_epoch(batches: PatchBatches) -> None:
    seen: list[list[int]] = []

    class Watch(L.LightningModule):
        def training_step(self, images: torch.Tensor) -> None:
            seen.append([int(patch.max()) for patch in images])

        def configure_optimizers(self) -> None:
            return None

    trainer = L.Trainer(
        max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu", limit_val_batches=0, use_distributed_sampler=False,
    )  # fmt: skip
    with quiet_lightning():
        trainer.fit(Watch(), batches)
    first, second = seen[:3], seen[3:]
    assert first == [[int(row) for row in batch] for batch in order(12, 4, epoch=0)]
    assert second == [[int(row) for row in batch] for batch in order(12, 4, epoch=1)]
