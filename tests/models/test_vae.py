import math

import pytest
import torch
from torch import Tensor

from orbicyte.models.posterior import Posterior
from orbicyte.models.vae import Code, averaged, build
from orbicyte.presets import quick
from orbicyte.training.networks import load_variant

CELLS = 5
FILL = (0.9, 0.8, 0.8)


def code(angle_rad: Tensor | None, confidence: float | None = None, seed: int = 0) -> Code:
    random = torch.Generator().manual_seed(seed)
    mean, log_variance, aligned = (torch.randn(CELLS, 3, generator=random) for _ in range(3))
    known = None if confidence is None else torch.full((CELLS,), confidence)
    return Code(Posterior(mean, log_variance), angle_rad, known, aligned)


ANGLES = torch.linspace(-3, 3, CELLS)


def test_codes_that_agree_keep_angle_and_confidence() -> None:
    both = [code(ANGLES, 0.4, seed=0), code(ANGLES + 2 * math.pi, 0.4, seed=1)]
    mean = averaged(both)
    assert mean.angle_rad is not None
    torch.testing.assert_close(mean.angle_rad, ANGLES)
    torch.testing.assert_close(mean.confidence, torch.full((CELLS,), 0.4))
    torch.testing.assert_close(mean.posterior.mean, (both[0].posterior.mean + both[1].posterior.mean) / 2)


@pytest.mark.parametrize("difference", [0.3, 1.0, 2.0, math.pi])
def test_codes_that_disagree_have_a_lower_confidence(difference: float) -> None:
    """Two directions of equal length, ``difference`` apart, have a mean of cos(difference / 2) times that length."""
    mean = averaged([code(ANGLES, 0.4), code(ANGLES + difference, 0.4)])
    expected = 0.4 * math.cos(difference / 2)
    torch.testing.assert_close(mean.confidence, torch.full((CELLS,), expected), atol=1e-5, rtol=0)


def test_the_more_confident_code_has_more_weight() -> None:
    mean = averaged([code(torch.zeros(CELLS), 0.9), code(torch.full((CELLS,), 1.0), 0.1)])
    assert mean.angle_rad is not None
    assert 0 < float(mean.angle_rad[0]) < 0.2


def test_without_a_confidence_directions_count_equally_and_without_an_angle_there_is_none() -> None:
    mean = averaged([code(ANGLES), code(ANGLES + 0.5)])
    assert mean.angle_rad is not None
    torch.testing.assert_close(torch.cos(mean.angle_rad - ANGLES - 0.25), torch.ones(CELLS))
    assert mean.confidence is None
    assert averaged([code(None), code(None)]).angle_rad is None


@pytest.mark.parametrize(("name", "changes"), [("baseline", True), ("averaged_cnn", False)])
def test_an_average_over_a_full_turn_makes_a_plain_network_invariant(name: str, changes: bool) -> None:
    settings = quick().changed(["network.size_px=16", "network.widths=4,8"])
    network = build(load_variant(name, settings, 0.5), settings.network, FILL, seed=0).eval()
    patches = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = (network.encode(x).posterior.mean for x in (patches, torch.rot90(patches, 1, (2, 3))))
    assert bool((one - other).abs().max() > 0.01 * one.std()) == changes
