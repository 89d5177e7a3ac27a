"""Structural similarity of the network's input and its reconstruction (paper 2.4, Fig. 4).

Wang et al. 2004, as implemented in scikit-image (``structural_similarity`` with its own defaults): for every pixel
and channel, over the 7 x 7 window around it, with equal weights and sample (co)variances,

    SSIM = (2 m_x m_y + C1) (2 c_xy + C2) / ((m_x² + m_y² + C1) (v_x + v_y + C2)),  C1 = 0.01², C2 = 0.03²

for intensities in [0, 1]. Border policy: averaged over channels and over the pixels whose whole window is
inside the disc that networks see, so that the constant outside, equal in both pictures, does not count.

Yields ``ssim`` over all cells at angle 0; ``ssim`` at each angle, ``ssim/multiples_of_90`` and ``ssim/other_angles``
(means over the angles except 0) over the same 100 cells, sampled by the seed: it is the slowest measure.
"""

from collections.abc import Iterator

import numpy as np
from skimage.metrics import structural_similarity

from orbicyte.arrays import Doubles, Flags, Floats
from orbicyte.geometry import RIM_PX
from orbicyte.metrics.angles import by_group, per_angle
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

WINDOW_PX = 7
ROTATED_CELLS = 100


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring; takes the pictures of one angle at a time."""
    cells = evidence.mean.shape[1]
    few = np.random.default_rng(evidence.seed).permutation(cells)[:ROTATED_CELLS]
    pictures = evidence.pictures(0)
    yield Score("ssim", float(ssim(pictures.inputs, pictures.reconstructions).mean()))
    values = np.empty(len(evidence.angles_deg))
    for i in range(len(values)):
        pictures = evidence.pictures(i, few)
        values[i] = ssim(pictures.inputs, pictures.reconstructions).mean()
    yield from per_angle("ssim", values, evidence)
    yield from by_group("ssim", values[1:], evidence.is_multiple_of_90[1:])


def ssim(inputs: Floats, reconstructions: Floats) -> Doubles:
    """SSIM of each pair of pictures (N, S, S, C) in [0, 1]: (N,), in [-1, 1]. Raises ``ValueError`` below 11 px."""
    inside = window_inside(inputs.shape[1])
    if not inside.any():
        raise ValueError(f"no window of {WINDOW_PX} px fits the disc of a {inputs.shape[1]} px picture")
    return np.array([_map(x, y)[inside].mean() for x, y in zip(inputs, reconstructions, strict=True)])


def window_inside(size_px: int) -> Flags:
    """True where the window around the pixel is inside the disc that networks see: (S, S)."""
    farthest_px = np.abs(np.arange(size_px) - (size_px - 1) / 2) + WINDOW_PX // 2
    return np.asarray(np.hypot(farthest_px[:, None], farthest_px) <= size_px / 2 - RIM_PX)


def _map(x: Floats, y: Floats) -> Doubles:
    _, values = structural_similarity(  # type: ignore[no-untyped-call]
        x, y, win_size=WINDOW_PX, data_range=1.0, channel_axis=-1, full=True
    )
    return np.asarray(values, dtype=np.float64)
