from collections.abc import Callable

import numpy as np
import pytest

from orbicyte.arrays import Floats
from orbicyte.geometry import centre_weight, disc, polar
from orbicyte.metrics.asymmetry import asymmetric_part, asymmetry, measure
from orbicyte.metrics.evidence import Evidence, Pictures

SIZE_PX = 32
WEIGHT = centre_weight(SIZE_PX, "gaussian", 0.5).numpy()


def blob(x_px: float, y_px: float) -> Floats:
    axis = np.arange(SIZE_PX) - (SIZE_PX - 1) / 2
    picture = np.exp(-((axis[None] - x_px) ** 2 + (axis[:, None] - y_px) ** 2) / 20)
    return np.repeat(picture[None, ..., None], 3, -1).astype(np.float32)


def rotational_mean(picture: Floats) -> Floats:
    mean = picture.copy()
    inside = disc(SIZE_PX).numpy()
    mean[0, inside] -= asymmetric_part(picture).astype(np.float32)
    return mean


def test_symmetric_pictures_have_almost_no_asymmetry() -> None:
    radius = polar(SIZE_PX)[0].numpy()
    for profile in (np.exp(-((radius / 8) ** 2)), np.cos(radius / 3), np.ones_like(radius)):
        picture = np.repeat(profile[None, ..., None], 3, -1).astype(np.float32)
        assert (asymmetric_part(picture) ** 2).sum() < 1e-4 * (picture**2).sum()


def test_an_odd_picture_is_completely_asymmetric() -> None:
    _, angle = polar(SIZE_PX)
    picture = np.cos(angle.numpy())[None, ..., None].astype(np.float32)
    np.testing.assert_allclose(asymmetric_part(picture)[:, 0], picture[0, disc(SIZE_PX).numpy(), 0], atol=1e-6)


def test_perfect_reconstruction_is_one_one() -> None:
    assert asymmetry(blob(6, 0), blob(6, 0), WEIGHT) == pytest.approx((1, 1))


def test_rotational_mean_is_zero_zero() -> None:
    assert asymmetry(blob(6, 0), rotational_mean(blob(6, 0)), WEIGHT) == pytest.approx((0, 0), abs=1e-9)


def test_half_the_asymmetry_has_a_quarter_of_its_energy() -> None:
    half = ((blob(6, 0) + rotational_mean(blob(6, 0))) / 2).astype(np.float32)
    assert asymmetry(blob(6, 0), half, WEIGHT) == pytest.approx((0.25, 0.75), abs=1e-4)


def test_wrong_orientation_has_energy_and_explains_a_negative_fraction() -> None:
    energy, explained = asymmetry(blob(6, 0), blob(-6, 0), WEIGHT)
    assert energy == pytest.approx(1, abs=1e-4)
    assert explained < -0.5


def test_sums_over_blocks_of_cells_are_sums_over_all_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (2, 7, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    whole = asymmetry(x, y, WEIGHT)
    monkeypatch.setattr("orbicyte.metrics.asymmetry.CELLS_AT_ONCE", 3)
    assert asymmetry(x, y, WEIGHT) == pytest.approx(whole)


def test_pixels_have_the_weights_of_the_loss(make_evidence: Callable[..., Evidence]) -> None:
    """Errors at the rim have little weight."""
    wrong_at_rim = blob(6, 0) + blob(15, 0)
    evidence = make_evidence(pictures=lambda angle, cells=None: Pictures(blob(6, 0), wrong_at_rim))
    narrow = {s.measure: s.value for s in measure(evidence)}["asymmetry/explained"]
    _, flat = asymmetry(blob(6, 0), wrong_at_rim, np.ones((SIZE_PX, SIZE_PX), np.float32))
    assert flat < 0.6 < narrow < 1
