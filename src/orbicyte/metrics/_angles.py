"""Rows that several measures have in common: one an angle, and multiples of 90° apart from the other angles."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from orbicyte.evidence import Evidence
from orbicyte.scores import Score

Values = NDArray[np.float64]


def mean(values: Values) -> float:
    """Arithmetic mean, NaN for no values."""
    return float(np.mean(values)) if values.size else float("nan")


def root_mean_square(values: Values) -> float:
    """Square root of the mean square, NaN for no values."""
    return float(np.sqrt(mean(values**2)))


def turns(evidence: Evidence) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Ends of names, and the angles (A,) they are over, 0 among them: all, quarter turns only, other turns only.

    For what needs all angles of a cell at once; with 0 alone there is nothing to compare.
    """
    unturned = np.arange(len(evidence.angles_deg)) == 0
    yield "", np.ones_like(unturned)
    yield "/quarter_turns", evidence.quarter_turn | unturned
    yield "/other_angles", ~evidence.quarter_turn | unturned


def per_angle(name: str, values: Values, evidence: Evidence) -> Iterator[Score]:
    """One row for each of the angles, 0 included; ``values``: (A,)."""
    for angle_deg, value in zip(evidence.angles_deg, values, strict=True):
        yield Score(name, float(value), angle_deg=float(angle_deg))


def apart(
    name: str, values: Values, quarter_turn: NDArray[np.bool_], average: Callable[[Values], float] = mean
) -> Iterator[Score]:
    """``name/quarter_turns`` and ``name/other_angles``: averages of ``values`` (A,) or of any other list."""
    yield Score(f"{name}/quarter_turns", average(values[quarter_turn]))
    yield Score(f"{name}/other_angles", average(values[~quarter_turn]))
