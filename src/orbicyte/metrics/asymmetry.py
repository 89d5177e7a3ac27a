"""How much of a cell's deviation from rotation symmetry the network draws, and how much it draws right.

The paper sees "the network achieves rotation invariance or equivariance mostly through reconstructing a rotation
symmetric image" (3); this is the number behind it. With x a picture, x̂ its reconstruction, x_a = x minus its
rotational mean, w the centre weight of the loss (paper 2.1), and sums over unturned cells, pixels and channels:

    energy    = sum w x̂_a² / sum w x_a²               0: all drawn symmetric; 1: as asymmetric as the cells
    explained = 1 - sum w (x_a - x̂_a)² / sum w x_a²   1: all drawn right; 0: no better than symmetric pictures;
                                                      below 0: asymmetries drawn where the cell has others

The rotational mean is the picture closest to x, in least squares on the disc, that depends on the radius only: a
profile with one value each pixel of radius, linear in between.

Yields ``asymmetry/energy`` and ``asymmetry/explained``; NaN if all pictures are black.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from orbicyte.arrays import Doubles, Floats
from orbicyte.geometry import centre_weight, disc, polar
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

CELLS_AT_ONCE = 50


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as the module says."""
    pictures = evidence.pictures(0)
    size_px = pictures.inputs.shape[1]
    weight = centre_weight(size_px, evidence.loss.centre_form, evidence.loss.centre_width).numpy()
    energy, explained = asymmetry(pictures.inputs, pictures.reconstructions, weight)
    yield Score("asymmetry/energy", energy)
    yield Score("asymmetry/explained", explained)


def asymmetry(inputs: Floats, reconstructions: Floats, weight: Floats) -> tuple[float, float]:
    """Energy and explained share, from pictures (N, S, S, C) and the weight of each pixel (S, S)."""
    w = weight[disc(len(weight)).numpy()].astype(np.float64)[:, None]
    true = drawn = missed = 0.0
    for start in range(0, len(inputs), CELLS_AT_ONCE):
        x_a = asymmetric_part(inputs[start : start + CELLS_AT_ONCE])
        xhat_a = asymmetric_part(reconstructions[start : start + CELLS_AT_ONCE])
        true += float((w * x_a**2).sum())
        drawn += float((w * xhat_a**2).sum())
        missed += float((w * (x_a - xhat_a) ** 2).sum())
    return (drawn / true, 1 - missed / true) if true > 0 else (float("nan"), float("nan"))


def asymmetric_part(pictures: Floats) -> Doubles:
    """Pictures (N, S, S, C) less their rotational means, at the P pixels of the disc: (P, N * C)."""
    size_px = pictures.shape[1]
    on_disc = pictures[:, disc(size_px).numpy()].astype(np.float64)
    values = on_disc.transpose(1, 0, 2).reshape(on_disc.shape[1], -1)
    symmetric = symmetric_pictures(size_px)
    return values - symmetric @ (symmetric.T @ values)


@lru_cache(maxsize=2)
def symmetric_pictures(size_px: int) -> Doubles:
    """Orthonormal pictures that span all radial profiles, at the pixels of the disc: (P, S // 2 + 1 or fewer)."""
    radius = polar(size_px)[0].double().numpy()[disc(size_px).numpy()]
    rings = np.arange(np.ceil(radius.max()) + 1)
    hats = np.clip(1 - np.abs(radius[:, None] - rings), 0, None)
    pictures, size, _ = np.linalg.svd(hats, full_matrices=False)
    return np.asarray(pictures[:, size > 1e-9 * size[0]])
