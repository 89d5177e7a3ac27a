import pytest
import torch

from orbicyte.harmonic import Fields, HarmonicReLU, assert_equivariant


def test_parts_of_order_0_are_clipped_at_their_shift_and_other_magnitudes_reduced() -> None:
    layer = HarmonicReLU("1x0 + 1x1", bias=-1.0)
    with torch.no_grad():
        layer.shift.copy_(torch.tensor([0.5, -0.5]))  # type: ignore[union-attr]
    out = layer(torch.tensor([[-2.0, 3.0, 2.0, 4.0]]))
    assert out[0].tolist() == pytest.approx([-0.5, 3 * 4 / 5, 1.5, 4 * 4 / 5], rel=1e-4)


@pytest.mark.parametrize("fields", ["2x1 + 3x0 + 2x-2", "3x0", "2x1 + 1x2", "2x2 + 3x0"])
def test_order_0_may_be_at_any_position_or_missing(fields: str) -> None:
    assert_equivariant(HarmonicReLU(fields), fields, fields, bound=0.1)


def test_the_sequence_of_fields_does_not_matter() -> None:
    x = torch.randn(2, 6, 4, 4, generator=torch.Generator().manual_seed(0))  # 2x0 + 1x1
    other = x[:, [2, 0, 1, 5, 3, 4]]
    assert torch.equal(HarmonicReLU("1x1 + 2x0")(other), HarmonicReLU("2x0 + 1x1")(x)[:, [2, 0, 1, 5, 3, 4]])


def test_invariants_are_the_parts_of_order_0_and_the_other_magnitudes() -> None:
    fields = Fields("1x1 + 2x0")
    x = torch.randn(2, 6, 3, 3, generator=torch.Generator().manual_seed(0))
    found = fields.invariants(x)
    assert torch.equal(found[:, :4], x[:, [1, 2, 4, 5]])
    assert torch.allclose(fields.invariants(fields.phased(x, 0.7)), found, atol=1e-6)
