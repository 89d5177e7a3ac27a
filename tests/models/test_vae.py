import math

import pytest
import torch
from torch import Tensor

from orbicyte.models.posterior import Posterior
from orbicyte.models.vae import Code, averaged

CELLS = 5


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
