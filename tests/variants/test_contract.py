"""Properties that every network must have."""

import math
from pathlib import Path

import pytest
import torch

from orbicyte import geometry, plugins, variants
from orbicyte.data.views import View
from orbicyte.models.losses import terms
from orbicyte.models.poses import NoPose
from orbicyte.models.vae import VAE, build
from orbicyte.models.variant import Variant
from orbicyte.settings import LossSettings, NetworkSettings, Settings
from orbicyte.training.networks import load_variant

SETTINGS = Settings(
    network=NetworkSettings(
        size_px=32,
        widths=(4, 8),
        latent_size=6,
        pose_widths=(4,),
        harmonic_widths=(16, 16, 16),
        framed_widths=(16, 16, 16),
    )
)
FILL = (0.9, 0.8, 0.7)
NAMES = plugins.names(variants)


def made(name: str) -> tuple[Variant, VAE]:
    variant = load_variant(name, SETTINGS, 0.5)
    network = build(variant, SETTINGS.network, FILL, seed=1)
    if variant.rotation_weight is not None:
        with torch.no_grad():  # leave the start at 0°, or rotation would not be tested
            for parameter in network.pose.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    return variant, network


def patches(seed: int = 0, count: int = 4, size_px: int = 32) -> torch.Tensor:
    """Smooth random patches."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return geometry.resize(coarse, size_px)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_ranges(name: str) -> None:
    _, network = made(name)
    code = network.eval().encode(patches())
    picture = network.decode(code.posterior.mean, code.angle_rad)
    assert code.posterior.mean.shape == code.posterior.log_variance.shape == (4, 6)
    assert code.angle_rad is None or code.angle_rad.shape == (4,)
    assert picture.shape == (4, 3, 32, 32)
    assert float(picture.detach().min()) >= -1e-5
    assert float(picture.detach().max()) <= 1 + 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_gradient_and_the_loss_decreases(name: str) -> None:
    variant, network = made(name)
    views = [patches(0), torch.rot90(patches(0), 1, (-2, -1))]
    views = views if variant.rotation_weight is not None or variant.projection is not None else views[:1]
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    values = []
    for step in range(25):
        noise = torch.randn(len(views) * 4, 6, generator=torch.Generator().manual_seed(step))
        loss = terms(network, views, noise, LossSettings(sigma=0.3), variant.rotation_weight).total
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if step == 0:
            idle = [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
            assert idle == []
        optimiser.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.9 * values[0]


@pytest.mark.parametrize("name", NAMES)
def test_corners_change_no_output(name: str) -> None:
    _, network = made(name)
    x = patches()
    y = torch.where(geometry.disc(32, geometry.RIM_PX), x, patches(9))
    with torch.no_grad():
        a, b = network.eval().encode(x), network.encode(y)
        assert torch.equal(a.posterior.mean, b.posterior.mean)
        assert torch.equal(a.posterior.log_variance, b.posterior.log_variance)
        assert a.angle_rad is None or (b.angle_rad is not None and torch.equal(a.angle_rad, b.angle_rad))
        for one, other in zip(network.reconstruct(x), network.reconstruct(y), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("angle_deg", [0.0, 33.0])
def test_stored_corners_change_no_output(name: str, angle_deg: float) -> None:
    _, network = made(name)
    view = View(side_px=64, view_px=64, size_px=32, fill_rgb=FILL)
    images = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    corners = images.clone()
    corners[:, ~geometry.disc(64)] = 17
    angle_rad = torch.full((4,), math.radians(angle_deg))
    with torch.no_grad():
        a, b = (network.eval().encode(view(stored, angle_rad)).posterior.mean for stored in (images, corners))
    assert torch.equal(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_the_pose_affects_the_code_only_through_the_aligned_patch(name: str) -> None:
    """With a pose, the posterior is a function of the patch rotated by minus its angle only."""
    variant, network = made(name)
    with torch.no_grad():
        code = network.eval().encode(patches())
        if code.angle_rad is None or variant.pose is NoPose:
            assert torch.equal(code.aligned, network.view(patches()))
            return
        rotated = geometry.rotate(network.seen(patches()), -code.angle_rad, network.fill)
    assert torch.allclose(code.aligned, geometry.crop(rotated, 32), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_weights_depend_on_the_seed_only_and_can_be_loaded(name: str, tmp_path: Path) -> None:
    variant = load_variant(name, SETTINGS, 0.5)
    torch.manual_seed(5)
    first = build(variant, SETTINGS.network, FILL, seed=1)
    torch.manual_seed(6)
    second = build(variant, SETTINGS.network, FILL, seed=1)
    other = build(variant, SETTINGS.network, FILL, seed=2)
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    other.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(first.eval().encode(patches()).posterior.mean, other.eval().encode(patches()).posterior.mean)


@pytest.mark.parametrize("name", NAMES)
def test_rotation_uses_the_pixels_of_the_margin(name: str) -> None:
    """With a margin, rotating an input by the angle shows real pixels and none of the fill."""
    _, network = made(name)
    view = View(side_px=104, view_px=64, size_px=32, fill_rgb=FILL)
    assert view.input_px == 52
    images = torch.zeros(4, 104, 104, 3, dtype=torch.uint8)
    with torch.no_grad():
        code = network.eval().encode(view(images, torch.full((4,), 0.6)))
    assert float(code.aligned.abs().max()) < 1e-5
