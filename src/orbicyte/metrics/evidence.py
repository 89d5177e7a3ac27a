"""What a measure may see: one network's outputs on the test cells, at every angle.

Everything here is made by ``orbicyte.stages.evaluate``; measures never see a model.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from orbicyte.arrays import Doubles, Flags, Floats, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.settings import EvaluationSettings, LossSettings


@dataclass(frozen=True)
class Pictures:
    """Test cells as the network sees them and as it reconstructs them, at one angle: (N, S, S, C) in [0, 1].

    Outside the disc both are one constant.
    """

    inputs: Floats
    reconstructions: Floats


class Picturing(Protocol):
    """Makes the pictures of the test cells on demand."""

    def __call__(self, angle: int, cells: Rows | None = None) -> Pictures:
        """The ``cells`` (all by default) at angle number ``angle``, and their reconstructions."""
        ...


@dataclass(frozen=True)
class LabelledEvidence:
    """One network's outputs on the labelled cells.

    ``cells``: which they are, M of them; only their test part was never used to choose anything. ``x`` (M, D): the
    exported representation of each at angle 0. ``border`` (M, B, 3): colours in [0, 1] of the pixels on the patch's
    border. ``rotated`` (K,): positions, among the cells, of those of the test part that were rotated, and
    ``rotated_x`` (A, K, D): their representations at every angle.
    """

    cells: LabelledCells
    x: Floats
    border: Floats
    rotated: Rows
    rotated_x: Floats


@dataclass(frozen=True)
class Evidence:
    """One network's outputs. N test cells, A angles (the first is 0), D latent dimensions.

    ``angles_deg`` (A,); ``mean`` (A, N, D): posterior means, the vector that ``embed`` exports; ``log_variance``
    (A, N, D); ``pose_rad`` (A, N): the angle the network finds, None for networks without a pose; ``pictures(i)``: the
    cells at angle i and their reconstructions; ``labelled``: None where no cell has a label.
    """

    angles_deg: Doubles
    mean: Floats
    log_variance: Floats
    pose_rad: Floats | None
    pictures: Picturing
    labelled: LabelledEvidence | None
    evaluation: EvaluationSettings
    loss: LossSettings
    seed: int

    @property
    def is_multiple_of_90(self) -> Flags:
        """(A,): True where the angle is a multiple of 90°, at which a rotation moves pixels onto pixels."""
        quarters = self.angles_deg / 90
        return np.isclose(quarters, np.round(quarters))
