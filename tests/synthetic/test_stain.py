"""The law of Beer and Lambert: known values."""

from dataclasses import replace

import numpy as np
import pytest

from orbicyte.synthetic import Dyes, Slide, sample_slide
from orbicyte.synthetic.stain import AZURE_B, EOSIN, METHYLENE_BLUE, stained, transmit


@pytest.fixture
def slide() -> Slide:
    plain = sample_slide(np.random.default_rng(0))
    return replace(plain, azure=1.0, eosin=1.0, ripeness=1.0, background=(1.0, 0.9, 0.8))


def light(dyes: Dyes, slide: Slide) -> np.ndarray:
    return np.asarray(transmit(stained(dyes, np.ones((1, 1), np.float32)), slide)[0, 0])


def test_no_dye_leaves_the_background(slide: Slide) -> None:
    np.testing.assert_allclose(light(Dyes(0.0, 0.0), slide), slide.background, rtol=1e-6)


def test_an_optical_density_of_one_leaves_a_tenth(slide: Slide) -> None:
    assert light(Dyes(1.0, 0.0), slide)[0] == pytest.approx(0.1 * 10 ** (1 - AZURE_B[0]), rel=1e-5)
    assert light(Dyes(0.0, 1.0), slide)[1] == pytest.approx(0.09 * 10 ** (1 - EOSIN[1]), rel=1e-5)


def test_densities_add_and_light_multiplies(slide: Slide) -> None:
    background = np.array(slide.background)
    both = light(Dyes(0.3, 0.2, 0.1), slide) / background
    apart = [light(d, slide) / background for d in (Dyes(0.3, 0.0), Dyes(0.0, 0.2), Dyes(0.0, 0.0, 0.1))]
    np.testing.assert_allclose(both, np.prod(apart, axis=0), rtol=1e-5)


def test_twice_the_stain_equals_twice_the_dye(slide: Slide) -> None:
    strong = light(Dyes(0.2, 0.1), replace(slide, azure=2.0, eosin=2.0))
    np.testing.assert_allclose(strong, light(Dyes(0.4, 0.2), slide), rtol=1e-5)


def test_unripe_dye_is_bluer(slide: Slide) -> None:
    assert METHYLENE_BLUE[1] < AZURE_B[1]
    assert light(Dyes(0.3, 0.0), replace(slide, ripeness=0.0))[1] > light(Dyes(0.3, 0.0), slide)[1]
