"""Whether the angle that a network finds follows the rotation of the cell: only for networks that find one.

The pose is the network's estimate of the counter-clockwise rotation of the cell relative to a reference orientation
(the network aligns the cell by rotating it by minus this angle), so rotating the input by +phi (``geometry.rotate``)
should add phi to it (paper 1: "normalize the images in rotation direction"; Jaderberg et al. 2015).
With e = angle(R_phi x) - phi and the mean over angles,

    R = |mean exp(i e)|,   circular standard deviation = sqrt(-2 ln R)   (Mardia 1972)

in degrees: 0 if the pose follows the cell exactly, for any reference orientation. A pose that does not depend on the
input has R = 0; deviations are limited to 180°, above which they are not informative.

Yields ``pose_consistency/circular_sd_deg`` (mean over cells), ``pose_consistency/circular_sd_deg/median`` and
``pose_consistency/below_10_deg`` (share of cells); the first also over multiples of 90° only,
``pose_consistency/circular_sd_deg/multiples_of_90``, and over 0° and the other angles only,
``pose_consistency/circular_sd_deg/other_angles``. Nothing without an angle.
"""

from collections.abc import Iterator

import numpy as np

from orbicyte.arrays import Doubles, Floats
from orbicyte.metrics.angles import groups_of_angles
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

LARGEST_DEG = 180.0


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring."""
    if evidence.pose_rad is None:
        return
    deviation = circular_sd_deg(evidence.pose_rad, evidence.angles_deg)
    for end, some in groups_of_angles(evidence):
        values = circular_sd_deg(evidence.pose_rad[some], evidence.angles_deg[some])
        yield Score(f"pose_consistency/circular_sd_deg{end}", float(values.mean()) if some.sum() > 1 else np.nan)
    yield Score("pose_consistency/circular_sd_deg/median", float(np.median(deviation)))
    yield Score("pose_consistency/below_10_deg", float((deviation < 10).mean()))


def circular_sd_deg(pose_rad: Floats, angles_deg: Doubles) -> Doubles:
    """Circular standard deviation of each cell in degrees, from poses (A, N) at angles (A,): (N,), in [0, 180]."""
    error = pose_rad - np.deg2rad(angles_deg)[:, None]
    length = np.abs(np.exp(1j * error).mean(0))
    least = np.exp(-0.5 * np.deg2rad(LARGEST_DEG) ** 2)
    return np.asarray(np.rad2deg(np.sqrt(-2 * np.log(np.clip(length, least, 1.0)))))
