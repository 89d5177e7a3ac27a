import pytest
import torch

from orbicyte.detection.unet import MAPS, UNet


@pytest.fixture
def network() -> UNet:
    torch.manual_seed(0)
    network = UNet((4, 8, 8)).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean = torch.randn(layer.num_features)
            layer.running_var = torch.rand(layer.num_features) + 0.5
    return network


def test_maps_have_the_size_of_the_image(network: UNet) -> None:
    side = 3 * network.multiple_px
    assert network(torch.rand(2, 3, side, 2 * side)).shape == (2, len(MAPS), side, 2 * side)


def test_merging_the_batch_norms_changes_nothing(network: UNet) -> None:
    images = torch.rand(1, 3, 32, 32)
    before = network(images)
    torch.testing.assert_close(network.fused()(images), before, atol=1e-5, rtol=1e-4)


def test_a_pixel_changes_nothing_beyond_its_reach(network: UNet) -> None:
    side = 2 * network.reach_px + network.multiple_px
    images = torch.rand(1, 3, side, side)
    changed = images.clone()
    middle = side // 2
    changed[:, :, middle, middle] += 1
    moved = (network(images) != network(changed)).any(1)[0].nonzero()
    assert len(moved)
    assert (moved - middle).abs().max() <= network.reach_px
