import math

import numpy as np
import pytest
import torch
from torch import nn

from orbicyte.harmonic import GaussianBlur2d, HarmonicBatchNorm2d, HarmonicConv2d, MagnitudeGate, assert_equivariant
from orbicyte.harmonic.equivariance import movement_over_spread
from orbicyte.models.harmonic_encoder import HarmonicEncoder
from orbicyte.presets import paper, quick
from orbicyte.settings import NetworkSettings
from orbicyte.synthetic import draw, sample_cell
from orbicyte.variants import equ_hnet, inv_hnet

SMALL = NetworkSettings(size_px=32, harmonic_widths=(16, 16, 24))


def encoder(shares: dict[int, int], branch_order: int = 0, network: NetworkSettings = SMALL) -> HarmonicEncoder:
    torch.manual_seed(0)
    made = HarmonicEncoder(network, shares, branch_order)
    made(torch.rand(8, 3, 32, 32))
    return made.eval()


@pytest.mark.parametrize(
    ("shares", "bound", "bound_of_fields"),
    [({0: 1}, 0.03, 0.03), ({2: 1}, 0.35, 0.45), ({0: 4, 1: 2, 2: 1}, 0.06, 0.1)],
)
def test_features_are_invariant_and_representations_equivariant_by_their_order(
    shares: dict[int, int], bound: float, bound_of_fields: float
) -> None:
    made = encoder(shares)
    assert_equivariant(made, "3x0", f"{made.fields.count}x0", bound=bound)
    assert_equivariant(made.representation, "3x0", made.fields, bound=bound_of_fields)


@pytest.mark.parametrize(
    ("shares", "bound", "bound_of_fields"),
    [({0: 4, 1: 2, 2: 1}, 0.045, 0.09), ({0: 1}, 0.015, 0.015), ({2: 1}, 0.17, 0.2)],
)
def test_movement_of_synthetic_cells_of_one_type_at_64_px_is_small(
    shares: dict[int, int], bound: float, bound_of_fields: float
) -> None:
    """Over their spread, at initialisation, batch norms calibrated on the cells. A plain encoder has about 1."""
    rng = np.random.default_rng(0)
    cells = [sample_cell("myelocyte", rng) for _ in range(6)]

    def views(angle: float) -> torch.Tensor:
        images = [draw(cell, 64, rotation_rad=math.radians(angle), noise=False).image for cell in cells]
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        return x - torch.tensor([0.9, 0.8, 0.8]).view(3, 1, 1)

    torch.manual_seed(0)
    made = HarmonicEncoder(NetworkSettings(), shares)
    for module in made.modules():
        if isinstance(module, HarmonicBatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        made(views(0))
        made.eval()
        features, fields = made(views(0)), made.representation(views(0))
        errors = []
        for angle in (15, 30, 45, 60, 75):
            expected = made.fields.phased(fields, math.radians(angle))
            moved = made(views(angle)) - features, made.representation(views(angle)) - expected
            errors.append(
                [movement_over_spread(m, at_zero) for m, at_zero in zip(moved, (features, fields), strict=True)]
            )
    assert max(error for error, _ in errors) < bound
    assert max(error for _, error in errors) < bound_of_fields


def test_widths_that_leave_an_order_without_a_field_are_an_error() -> None:
    with pytest.raises(ValueError, match="4 channels are too few for the rotation orders 0, 1, 2"):
        HarmonicEncoder(NetworkSettings(harmonic_widths=(4, 8)))


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


def test_the_real_part_depends_on_orientation_and_the_magnitude_does_not() -> None:
    """Rotation by 90° changes the sign of fields of order 2."""
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    quarter = torch.rot90(x, 1, (2, 3))
    real = encoder({2: 1}, network=SMALL.model_copy(update={"harmonic_read_out": "real"}))
    magnitude = encoder({2: 1})
    with torch.no_grad():
        assert torch.allclose(real(quarter), -real(x), atol=1e-5)
        assert torch.allclose(magnitude(quarter), magnitude(x), rtol=1e-4, atol=1e-5)


def test_settings_of_earlier_versions_give_the_layers_of_earlier_versions() -> None:
    former = SMALL.model_copy(update=dict(SMALL.FORMER))
    made = encoder({2: 1}, 2, former).train()
    for _ in range(40):  # so that the running statistics are those of the inputs
        made(torch.rand(8, 3, 32, 32))
    made.eval()
    assert repr(made) == repr(equ_hnet.variant(former, 0.5).encoder(former))
    first = made.layers[0]
    assert isinstance(first, HarmonicConv2d)
    assert first.rings.kernel_size == 7
    assert not any(isinstance(layer, MagnitudeGate | GaussianBlur2d) for layer in made.modules())
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    edge = x.clone()
    edge[..., 16, 2] += 1  # next to the rim: a part of the input only if the rim is sharp
    with torch.no_grad():
        assert not torch.allclose(made(x), made(edge), atol=1e-6)


def test_corners_of_the_square_do_not_change_features() -> None:
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    other = x.clone()
    other[..., :4, :4] = 9.0
    made = encoder({0: 1})
    with torch.no_grad():
        assert torch.equal(made(x), made(other))


@pytest.mark.parametrize("preset", [quick, paper])
def test_the_networks_are_deeper_than_h_net_and_have_no_stride_or_max_pooling(preset: object) -> None:
    network = preset().network  # type: ignore[operator]
    for name in (inv_hnet, equ_hnet):
        made = name.variant(network, 0.5).encoder(network)
        deep = [layer for layer in made.modules() if isinstance(layer, HarmonicConv2d) and layer.rings.kernel_size > 1]
        assert len(deep) == {"quick": 8, "paper": 18}[preset().preset]  # type: ignore[operator]
        assert not any(isinstance(layer, nn.MaxPool2d | nn.Conv2d) for layer in made.modules())
