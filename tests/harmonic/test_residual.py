import pytest
import torch
from torch import nn

from orbicyte.harmonic import HarmonicConv2d, HarmonicResidualBlock, MagnitudeReLU, assert_equivariant
from orbicyte.harmonic.equivariance import mean_square_gain


@pytest.mark.parametrize("branch_order", [-2, 0, 1, 2])
def test_the_skipped_branch_has_net_order_0(branch_order: int) -> None:
    torch.manual_seed(0)
    block = HarmonicResidualBlock("3x2", "4x2", 7, branch_order).eval()
    changes = [
        after - before
        for conv in (block.conv1, block.conv2)
        for before, after in zip(conv.fields_in.orders, conv.fields_out.orders, strict=False)
    ]
    assert set(changes) == {branch_order, -branch_order}
    assert_equivariant(block, "3x2", "4x2", bound=0.15)


def test_a_block_with_a_zero_branch_is_its_skip() -> None:
    block = HarmonicResidualBlock("2x0 + 2x1", "2x0 + 2x1", activation=MagnitudeReLU).eval()
    with torch.no_grad():
        block.norm2.scale.zero_()
        for bias in block.activation2.parameters():
            bias.zero_()
    x = torch.randn(1, 8, 8, 8)
    assert torch.allclose(block(x), x, atol=1e-5)


def test_the_skip_between_different_widths_is_a_1_x_1_convolution() -> None:
    skip = HarmonicResidualBlock("2x0 + 2x1", "3x0 + 2x1").skip
    assert isinstance(skip, HarmonicConv2d)
    assert skip.rings.kernel_size == 1
    assert isinstance(HarmonicResidualBlock("2x0", "2x0").skip, nn.Identity)


def test_a_new_order_in_the_output_is_an_error() -> None:
    with pytest.raises(ValueError, match="keeps rotation orders: 2x0 \\+ 2x1 has an order that 2x0 lacks"):
        HarmonicResidualBlock("2x0", "2x0 + 2x1")


def test_the_mean_square_of_the_fields_stays_in_range_over_several_blocks() -> None:
    torch.manual_seed(0)
    blocks = nn.Sequential(*(HarmonicResidualBlock("4x0 + 2x1", "4x0 + 2x1") for _ in range(4)))
    assert 0.3 < mean_square_gain(blocks, "4x0 + 2x1", "4x0 + 2x1") < 8
