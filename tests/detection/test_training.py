import numpy as np
import pytest
import torch

from orbicyte.detection.microscope_fields import MicroscopeField, pieces, synthetic_fields
from orbicyte.detection.targets import of_masks, of_nuclei
from orbicyte.detection.training import SIDE_PX, Schedule, Source, loss, train
from orbicyte.detection.unet import UNet

WIDTHS = (8, 8, 8)


@pytest.fixture(scope="module")
def source() -> Source:
    return Source.of(synthetic_fields(1, 4, 48.0, 0.25, 0), 1.0)


def _network() -> UNet:
    torch.manual_seed(0)
    return UNet(WIDTHS)


def test_the_loss_decreases(source: Source) -> None:
    losses: list[float] = []
    for steps in (1, 60):
        train(_network(), [source], Schedule(steps, batch=2, rate=0.01), 0, lambda step, mean, of: losses.append(of))
    assert losses[1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_weights_and_another_does_not(source: Source) -> None:
    first, second, other = (train(_network(), [source], Schedule(3, batch=2), seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["leave.weight"], other["leave.weight"])


def test_pixels_that_are_not_valid_do_not_change_the_loss() -> None:
    valid = torch.zeros(1, 2, 8, 8)
    valid[:, :, :4] = 1
    maps = torch.rand(1, 3, 8, 8)
    logits = torch.zeros(1, 3, 8, 8, requires_grad=True)
    loss(logits, maps, valid).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[:, :, :4].abs().min() > 0
    assert logits.grad[:, :, 4:].abs().max() == 0


def test_fields_with_nuclei_only_have_no_valid_cell_map() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    source = Source.of([MicroscopeField(image, of_nuclei(np.ones((40, 50), bool)))], 1.0)
    assert source.stack.shape == (1, 8, 2 * SIDE_PX, 2 * SIDE_PX)
    assert (source.stack[0, 6] > 0).sum() == 40 * 50
    assert not source.stack[0, 7].any()


def test_pieces_cover_a_field_and_none_is_larger() -> None:
    cells = np.arange(100 * 250, dtype=np.int32).reshape(100, 250) % 7
    image = np.random.default_rng(0).integers(0, 255, (100, 250, 3), np.uint8)
    parts = list(pieces(MicroscopeField(image, of_masks(cells, None)), 96))
    assert {part.image.shape for part in parts} == {(96, 96, 3)}
    shown = {tuple(pixel) for part in parts for pixel in part.image.reshape(-1, 3).tolist()}
    assert shown == {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}
