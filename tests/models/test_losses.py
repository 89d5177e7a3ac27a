import math
from typing import Literal

import pytest
import torch

from orbicyte import geometry
from orbicyte.models import losses
from orbicyte.models.posterior import Posterior
from orbicyte.models.vae import build
from orbicyte.settings import LossSettings, NetworkSettings, Settings
from orbicyte.training.networks import load_variant

NETWORK = NetworkSettings(size_px=32, widths=(4, 8), latent_size=6, pose_widths=(4,))
FILL = (0.9, 0.8, 0.7)


def pictures(seed: int) -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_gaussian_reconstruction_is_the_weighted_log_likelihood() -> None:
    x, y = pictures(0), pictures(1)
    weight = geometry.centre_weight(32, "gaussian", 0.5)
    by_hand = ((x - y) ** 2 * weight).sum(dim=(1, 2, 3)) / (2 * 0.2**2)
    assert torch.allclose(losses.reconstruction(x, y, LossSettings(sigma=0.2)), by_hand, rtol=1e-5)
    mean = losses.reconstruction(x, y, LossSettings(sigma=0.2, pixels="mean"))
    assert torch.allclose(mean, by_hand / (3 * weight.sum()), rtol=1e-5)


def test_bernoulli_reconstruction_is_minimal_at_the_target() -> None:
    x = pictures(0)
    loss = LossSettings(likelihood="bernoulli")
    best = losses.reconstruction(x, x, loss)
    assert bool((losses.reconstruction(x, (x + 0.1).clamp(0, 1), loss) > best).all())


def test_errors_have_less_weight_far_from_the_centre_and_none_in_corners() -> None:
    x = torch.zeros(1, 3, 33, 33)
    costs = []
    for row, column in ((16, 16), (16, 30), (0, 0)):
        y = x.clone()
        y[0, :, row, column] = 1
        costs.append(float(losses.reconstruction(x, y, LossSettings())))
    assert costs[0] > costs[1] > costs[2] == 0


def test_rotation_loss_scales() -> None:
    p = Posterior(torch.zeros(2, 4), torch.zeros(2, 4))
    q = Posterior(torch.ones(2, 4), torch.zeros(2, 4))
    # KL between unit Gaussians one apart is 1/2 nat; both directions, four dimensions.
    assert losses.rotation(p, q, LossSettings()).tolist() == [4.0, 4.0]
    assert losses.rotation(p, q, LossSettings(rotation_kl="half")).tolist() == [2.0, 2.0]
    assert losses.rotation(p, q, LossSettings(latents="mean")).tolist() == [1.0, 1.0]


def terms_of(weight: float, loss: LossSettings, views: list[torch.Tensor]) -> losses.Terms:
    settings = Settings(network=NETWORK)
    network = build(load_variant("only_stn", settings, weight), NETWORK, FILL, seed=0).eval()
    noise = torch.zeros(len(views) * 3, 6)
    with torch.no_grad():
        return losses.terms(network, views, noise, loss, weight)


def test_equal_views_have_no_rotation_loss_and_w_and_beta_scale_their_terms() -> None:
    same = terms_of(0.5, LossSettings(), [pictures(0), pictures(0)])
    assert float(same.rotation) == pytest.approx(0, abs=1e-5)
    half, whole = (terms_of(w, LossSettings(), [pictures(0), pictures(1)]) for w in (0.5, 1.0))
    assert float(whole.rotation) == pytest.approx(2 * float(half.rotation), rel=1e-5)
    assert float(half.rotation) > 0
    doubled = terms_of(0.5, LossSettings(beta=2), [pictures(0), pictures(1)])
    assert float(doubled.prior) == pytest.approx(2 * float(half.prior), rel=1e-5)
    assert float(half.total) == pytest.approx(float(half.reconstruction + half.prior + half.rotation), rel=1e-6)


def test_the_second_view_is_used_in_the_terms_of_the_setting() -> None:
    views, other = [pictures(0), pictures(1)], [pictures(0), pictures(2)]
    only = LossSettings(second_view="rotation")
    assert float(terms_of(0.5, only, views).reconstruction) == float(terms_of(0.5, only, other).reconstruction)
    both = LossSettings(second_view="all")
    assert float(terms_of(0.5, both, views).reconstruction) != float(terms_of(0.5, both, other).reconstruction)
    assert math.isfinite(float(terms_of(0.5, both, views).total))


def test_contrast_is_the_cross_entropy_of_finding_the_other_view() -> None:
    same = torch.ones(4, 3)
    assert torch.allclose(losses.contrast(same, same, 0.2), torch.full((8,), math.log(7.0)))
    apart = torch.eye(4)
    by_hand = math.log(1 + 6 * math.exp(-1 / 0.2))
    assert torch.allclose(losses.contrast(apart, 3 * apart, 0.2), torch.full((8,), by_hand), atol=1e-5)
    wrong = losses.contrast(apart, apart.roll(1, 0), 0.2)
    assert bool((wrong > by_hand + 1).all())


def test_variance_and_covariance_are_small_for_spread_uncorrelated_views() -> None:
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(losses.variance_covariance(corners, corners)) == 0
    flat = torch.zeros(4, 2)
    assert float(losses.variance_covariance(flat, flat)) == pytest.approx(2 * 0.99)  # the hinge of both views
    # Equal dimensions: covariance 4/3 twice, squared, over 2 dimensions, in both views.
    equal = corners[:, :1].expand(4, 2)
    assert float(losses.variance_covariance(equal, equal)) == pytest.approx(2 * (4 / 3) ** 2 / 25)
    assert float(losses.variance_covariance(corners, -corners)) == pytest.approx(4)  # the distance of the views


@pytest.mark.parametrize("count", [1, 2, 8])
def test_its_gradient_is_finite_and_keeps_equal_cells_apart(count: int) -> None:
    start = torch.full((count, 3), 0.5) + 1e-3 * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    start.requires_grad_()
    (gradient,) = torch.autograd.grad(losses.variance_covariance(start, start), start)
    assert torch.isfinite(gradient).all()
    moved = (start - 0.01 * gradient).detach()
    assert float(moved.var(dim=0, correction=0).sum()) >= float(start.detach().var(dim=0, correction=0).sum())


@pytest.mark.parametrize("kind", ["contrastive", "variance"])
def test_the_contrastive_loss_has_its_weight_and_only_its_networks_have_it(
    kind: Literal["contrastive", "variance"],
) -> None:
    settings = Settings(network=NETWORK.model_copy(update={"framed_widths": (16, 16)}))
    views = [pictures(0), pictures(1)]
    values = {}
    for name, weight in (("framed_hnet", 30.0), ("framed_hnet", 60.0), ("only_stn", 30.0)):
        variant = load_variant(name, settings, 0.5)
        network = build(variant, settings.network, FILL, seed=0)
        loss = LossSettings(contrast_weight=weight, contrast_kind=kind)
        values[name, weight] = losses.terms(network, views, torch.zeros(6, 6), loss, variant.rotation_weight)
    assert float(values["only_stn", 30.0].contrast) == 0
    once, twice = values["framed_hnet", 30.0], values["framed_hnet", 60.0]
    assert float(once.contrast.detach()) > 0
    assert float(twice.contrast.detach()) == pytest.approx(2 * float(once.contrast.detach()), rel=1e-4)
    assert float(once.rotation.detach()) == 0
