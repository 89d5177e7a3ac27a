"""Rows that several measures share: one per angle, and averages over multiples of 90° and over the other angles."""

from collections.abc import Callable, Iterator

import numpy as np

from orbicyte.arrays import Doubles, Flags
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score


def mean(values: Doubles) -> float:
    """Arithmetic mean of ``values``, any shape; NaN for no values."""
    return float(np.mean(values)) if values.size else float("nan")


def root_mean_square(values: Doubles) -> float:
    """Square root of the mean square of ``values``, any shape; NaN for no values."""
    return float(np.sqrt(mean(values**2)))


def groups_of_angles(evidence: Evidence) -> Iterator[tuple[str, Flags]]:
    """Suffix of the measure's name and a mask of the angles (A,) for each group; every group includes 0°.

    The groups are all angles, multiples of 90° only, and other angles only. They are for measures that compare all
    angles of a cell; a group with 0° alone has nothing to compare.
    """
    is_zero = np.arange(len(evidence.angles_deg)) == 0
    yield "", np.ones_like(is_zero)
    yield "/multiples_of_90", evidence.is_multiple_of_90 | is_zero
    yield "/other_angles", ~evidence.is_multiple_of_90 | is_zero


def per_angle(name: str, values: Doubles, evidence: Evidence) -> Iterator[Score]:
    """One row for each of the angles, including 0; ``values``: (A,)."""
    for angle_deg, value in zip(evidence.angles_deg, values, strict=True):
        yield Score(name, float(value), angle_deg=float(angle_deg))


def by_group(
    name: str, values: Doubles, is_multiple_of_90: Flags, average: Callable[[Doubles], float] = mean
) -> Iterator[Score]:
    """``name/multiples_of_90`` and ``name/other_angles``: averages of ``values`` (K,) by the mask (K,)."""
    yield Score(f"{name}/multiples_of_90", average(values[is_multiple_of_90]))
    yield Score(f"{name}/other_angles", average(values[~is_multiple_of_90]))
