"""Rows that several measures have in common: one per angle, and multiples of 90° apart from the other angles."""

from collections.abc import Callable, Iterator

import numpy as np

from orbicyte.arrays import Doubles, Flags
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score


def mean(values: Doubles) -> float:
    """Arithmetic mean, NaN for no values."""
    return float(np.mean(values)) if values.size else float("nan")


def root_mean_square(values: Doubles) -> float:
    """Square root of the mean square, NaN for no values."""
    return float(np.sqrt(mean(values**2)))


def groups_of_angles(evidence: Evidence) -> Iterator[tuple[str, Flags]]:
    """Ends of names, and the angles (A,) they are over, 0 among them: all, multiples of 90° only, others only.

    For what needs all angles of a cell at once; with 0 alone there is nothing to compare.
    """
    is_zero = np.arange(len(evidence.angles_deg)) == 0
    yield "", np.ones_like(is_zero)
    yield "/multiples_of_90", evidence.is_multiple_of_90 | is_zero
    yield "/other_angles", ~evidence.is_multiple_of_90 | is_zero


def per_angle(name: str, values: Doubles, evidence: Evidence) -> Iterator[Score]:
    """One row for each of the angles, 0 included; ``values``: (A,)."""
    for angle_deg, value in zip(evidence.angles_deg, values, strict=True):
        yield Score(name, float(value), angle_deg=float(angle_deg))


def by_group(
    name: str, values: Doubles, is_multiple_of_90: Flags, average: Callable[[Doubles], float] = mean
) -> Iterator[Score]:
    """``name/multiples_of_90`` and ``name/other_angles``: averages of ``values`` (A,) or of any other list."""
    yield Score(f"{name}/multiples_of_90", average(values[is_multiple_of_90]))
    yield Score(f"{name}/other_angles", average(values[~is_multiple_of_90]))
