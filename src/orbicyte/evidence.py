"""What every measure looks at: one network's outputs on the test cells, unturned and turned.

Everything here is made by ``orbicyte.stages.evaluate``; measures never see a model.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orbicyte.settings import EvaluationSettings, LossSettings

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pictures:
    """Test cells as the network sees them and as it reconstructs them, at one turn: (N, S, S, C) in [0, 1].

    Outside the disc both are one constant.
    """

    inputs: Floats
    reconstructions: Floats


class Picturing(Protocol):
    """Draws the test cells when asked for."""

    def __call__(self, angle: int, cells: NDArray[np.int64] | None = None) -> Pictures:
        """The chosen ``cells`` (all by default) at angle number ``angle``, and their reconstructions."""
        ...


@dataclass(frozen=True)
class Labelled:
    """The labelled cells; only their *report* part was never used to choose anything.

    ``x`` (M, D): the exported representation of each unturned cell. ``types`` (M,): names. ``groups`` (M,): slide or
    patient, or one number a cell where neither is known (``grouped_by`` says which: "slide", "patient" or "cell").
    ``choose`` (M,): True for the part on which choices are made. ``border`` (M, B, 3): colours in [0, 1] of pixels on
    the patch's border ring. ``turned`` (K,): row numbers of the report cells that were turned, and ``turned_x``
    (A, K, D) their representations at every angle.
    """

    x: Floats
    types: NDArray[np.str_]
    groups: NDArray[np.str_]
    grouped_by: str
    choose: NDArray[np.bool_]
    border: Floats
    turned: NDArray[np.int64]
    turned_x: Floats


@dataclass(frozen=True)
class Evidence:
    """One network's outputs. N test cells, A angles (the first is 0), D latent dimensions.

    ``angles_deg`` (A,); ``mean`` (A, N, D): posterior means, the vector that ``embed`` exports; ``log_variance``
    (A, N, D); ``pose_rad`` (A, N): the angle the network finds, None for networks without a pose; ``pictures(i)``: the
    cells at angle i and their reconstructions; ``labelled``: None where no cell has a label.
    """

    angles_deg: NDArray[np.float64]
    mean: Floats
    log_variance: Floats
    pose_rad: Floats | None
    pictures: Picturing
    labelled: Labelled | None
    evaluation: EvaluationSettings
    loss: LossSettings
    seed: int

    @property
    def quarter_turn(self) -> NDArray[np.bool_]:
        """(A,): True where the angle is a multiple of 90°, at which turning moves pixels onto pixels."""
        quarters = self.angles_deg / 90
        return np.isclose(quarters, np.round(quarters))
