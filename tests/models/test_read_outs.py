import math

import pytest
import torch

from orbicyte import geometry
from orbicyte.harmonic import Fields
from orbicyte.models.harmonic_encoder import HarmonicMaps
from orbicyte.models.read_outs import FramedReadOut, Reading, rings
from orbicyte.models.size import averaged_px
from orbicyte.settings import NetworkSettings

NETWORK = NetworkSettings(size_px=32, latent_size=12, framed_widths=(16, 16, 16), read_out_rings=2, read_out_hidden=8)
ENCODER = HarmonicMaps(NETWORK)
FIELDS = ENCODER.fields


def read_out(seed: int = 0, detail_map_px: int = 8) -> FramedReadOut:
    torch.manual_seed(seed)
    return FramedReadOut(NETWORK.model_copy(update={"detail_map_px": detail_map_px}), ENCODER).eval()


def maps(seed: int = 0, count: int = 5) -> torch.Tensor:
    return torch.randn(count, FIELDS.channels, 8, 8, generator=torch.Generator().manual_seed(seed))


def rotated(x: torch.Tensor, quarter: int) -> torch.Tensor:
    """The maps of a cell rotated by a multiple of 90°, which is exact on the grid."""
    return FIELDS.phased(torch.rot90(x, quarter, (-2, -1)), quarter * math.pi / 2)


def read(x: torch.Tensor, detail_map_px: int = 8) -> Reading:
    with torch.no_grad():
        reading: Reading = read_out(detail_map_px=detail_map_px)(x)
    return reading


@pytest.mark.parametrize("detail_map_px", [0, 4, 8])
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_the_posterior_is_invariant_and_the_angle_follows_the_cell(quarter: int, detail_map_px: int) -> None:
    first, second = read(maps(), detail_map_px), read(rotated(maps(), quarter), detail_map_px)
    assert torch.allclose(first.posterior.mean, second.posterior.mean, atol=1e-4)
    assert torch.allclose(first.posterior.log_variance, second.posterior.log_variance, atol=1e-4)
    assert first.angle_rad is not None
    assert second.angle_rad is not None
    error = torch.remainder(second.angle_rad - first.angle_rad - quarter * math.pi / 2 + math.pi, 2 * math.pi) - math.pi
    assert float(error.abs().max()) < 1e-4


@pytest.mark.parametrize("detail_map_px", [0, 8])
def test_only_the_detail_part_shows_the_phase_of_a_field_in_the_frame(detail_map_px: int) -> None:
    x = maps()
    changed = x.clone()
    second = FIELDS.orders.index(2)
    changed[:, second], changed[:, FIELDS.count + second] = -x[:, second], -x[:, FIELDS.count + second]
    size = NETWORK.invariant_size
    first, other = (read(one, detail_map_px).posterior.mean for one in (x, changed))
    assert torch.allclose(first[:, :size], other[:, :size], atol=1e-5)
    assert bool(((first - other)[:, size:].abs().amax(1) > 1e-3).all())


@pytest.mark.parametrize(("detail_map_px", "shows"), [(0, False), (8, True)])
def test_the_map_shows_at_which_angle_a_pattern_is_and_means_on_rings_do_not(detail_map_px: int, shows: bool) -> None:
    x = maps()
    changed = x.clone()
    scalar = FIELDS.orders.index(0)
    changed[:, scalar] = torch.rot90(x[:, scalar], 1, (-2, -1))
    first, other = (read(one, detail_map_px).posterior.mean for one in (x, changed))
    size = NETWORK.invariant_size
    assert torch.allclose(first[:, :size], other[:, :size], atol=1e-5)
    assert bool(((first - other)[:, size:].abs().amax(1) > 1e-3).all()) is shows


@pytest.mark.parametrize(
    ("side", "largest", "averaged"), [(16, 8, 2), (64, 8, 8), (12, 8, 2), (9, 8, 1), (4, 8, 1), (8, 0, 0)]
)
def test_maps_are_averaged_to_the_largest_side(side: int, largest: int, averaged: int) -> None:
    assert averaged_px(side, largest) == averaged


def test_confidence_is_0_for_a_round_cell_and_1_for_one_direction() -> None:
    one_field = HarmonicMaps(NETWORK)
    one_field.fields = Fields("1x1")
    torch.manual_seed(0)
    part = FramedReadOut(NETWORK, one_field).eval()
    uniform = torch.ones(1, 2, 8, 8)
    _, angle = geometry.polar(8)
    outwards = torch.stack((torch.cos(angle), torch.sin(angle)))[None]  # a round cell: fields of order 1 point outwards
    for x, expected in ((uniform, 1.0), (outwards, 0.0), (torch.zeros(1, 2, 8, 8), 0.0)):
        confidence = part(x).confidence
        assert float(confidence.detach()) == pytest.approx(expected, abs=1e-3)


def test_gradients_are_finite_where_there_is_no_angle() -> None:
    x = torch.zeros(2, FIELDS.channels, 8, 8, requires_grad=True)
    reading = read_out()(x)
    (reading.posterior.mean.sum() + reading.angle_rad.sum() + reading.confidence.sum()).backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_rings_are_symmetric_means_from_the_centre_outwards() -> None:
    weight = rings(9, 3)
    assert torch.allclose(weight.sum((1, 2)), torch.ones(3))
    assert torch.allclose(weight, torch.rot90(weight, 1, (1, 2)))
    radius = geometry.polar(9)[0]
    means = (weight * radius).sum((1, 2))
    assert bool((means.diff() > 0).all())
    assert torch.equal(rings(9, 1)[0] > 0, geometry.disc(9))


def test_fields_without_order_1_are_an_error() -> None:
    encoder = HarmonicMaps(NETWORK, shares={0: 1})
    with pytest.raises(ValueError, match="fields of order 1, which 8x0 lacks"):
        FramedReadOut(NETWORK, encoder)


def test_angles_are_float32_under_autocast() -> None:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        reading, expected = read_out()(maps()), read(maps())
    assert reading.angle_rad.dtype == reading.confidence.dtype == reading.posterior.mean.dtype == torch.float32
    assert expected.angle_rad is not None
    assert torch.allclose(reading.angle_rad, expected.angle_rad, atol=1e-5)
