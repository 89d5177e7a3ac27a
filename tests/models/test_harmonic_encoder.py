import pytest
import torch
from torch import nn

from orbicyte.harmonic import HarmonicConv2d, assert_equivariant
from orbicyte.models.harmonic_encoder import HarmonicEncoder
from orbicyte.presets import paper, quick
from orbicyte.settings import NetworkSettings
from orbicyte.variants import equ_hnet, inv_hnet

SMALL = NetworkSettings(size_px=32, harmonic_widths=(16, 16, 24))


def encoder(shares: dict[int, int], branch_order: int = 0, network: NetworkSettings = SMALL) -> HarmonicEncoder:
    torch.manual_seed(0)
    made = HarmonicEncoder(network, shares, branch_order)
    made(torch.rand(8, 3, 32, 32))
    return made.eval()


@pytest.mark.parametrize("shares", [{0: 1}, {2: 1}, {0: 2, 1: 1, 2: 1}])
def test_features_do_not_change_and_representations_turn_by_their_order(shares: dict[int, int]) -> None:
    made = encoder(shares)
    assert_equivariant(made, "3x0", f"{made.fields.count}x0", bound=0.5)
    assert_equivariant(made.representation, "3x0", made.fields, bound=0.8)


@pytest.mark.parametrize(("branch", "inner"), [("opposite", 4), ("zero", 2)])
def test_every_path_through_equ_hnet_sums_to_2(branch: str, inner: int) -> None:
    network = SMALL.model_copy(update={"harmonic_branch": branch})
    made = equ_hnet.variant(network, 0.5).encoder(network)
    convolutions = [layer for layer in made.modules() if isinstance(layer, HarmonicConv2d)]
    assert {order for layer in convolutions for order in layer.fields_out.orders} == {2, inner}
    assert set(convolutions[0].fields_in.orders) == {0}
    assert isinstance(made, HarmonicEncoder)
    assert set(made.fields.orders) == {2}


def test_every_filter_of_inv_hnet_has_order_0() -> None:
    made = inv_hnet.variant(SMALL, 0.5).encoder(SMALL)
    orders = {
        order for layer in made.modules() if isinstance(layer, HarmonicConv2d)
        for order in (*layer.fields_in.orders, *layer.fields_out.orders)
    }  # fmt: skip
    assert orders == {0}


def test_the_real_part_tells_how_the_cell_lies_and_the_magnitude_does_not() -> None:
    """A quarter turn of fields of order 2 is a change of sign."""
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    quarter = torch.rot90(x, 1, (2, 3))
    real = encoder({2: 1}, network=SMALL.model_copy(update={"harmonic_read_out": "real"}))
    magnitude = encoder({2: 1})
    with torch.no_grad():
        assert torch.allclose(real(quarter), -real(x), atol=1e-5)
        assert torch.allclose(magnitude(quarter), magnitude(x), rtol=1e-4, atol=1e-5)


def test_corners_of_a_square_do_not_count() -> None:
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    other = x.clone()
    other[..., :4, :4] = 9.0
    made = encoder({0: 1})
    with torch.no_grad():
        assert torch.equal(made(x), made(other))


@pytest.mark.parametrize("preset", [quick, paper])
def test_the_networks_are_deeper_than_h_net_and_never_stride_or_take_maxima(preset: object) -> None:
    network = preset().network  # type: ignore[operator]
    for name in (inv_hnet, equ_hnet):
        made = name.variant(network, 0.5).encoder(network)
        deep = [layer for layer in made.modules() if isinstance(layer, HarmonicConv2d) and layer.rings.kernel_size > 1]
        assert len(deep) == {"quick": 8, "paper": 18}[preset().preset]  # type: ignore[operator]
        assert not any(isinstance(layer, nn.MaxPool2d | nn.Conv2d) for layer in made.modules())
