"""The input of a measure: one network's outputs on the test cells, at every angle.

``orbicyte.stages.evaluate`` makes it; measures never see a model.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from orbicyte.arrays import Doubles, Flags, Floats, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import PROBES, FittedProbe, cross_validated
from orbicyte.settings import EvaluationSettings, LossSettings


@dataclass(frozen=True)
class Pictures:
    """Test cells as the network sees them, and its reconstructions, at one angle: (N, S, S, C) in [0, 1].

    Outside the disc both have the same constant.
    """

    inputs: Floats
    reconstructions: Floats


class Picturing(Protocol):
    """Makes the pictures of the test cells on demand."""

    def __call__(self, angle: int, cells: Rows | None = None) -> Pictures:
        """The ``cells`` (default: all) at angle number ``angle``, from 0, and their reconstructions."""
        ...


@dataclass(frozen=True)
class LabelledEvidence:
    """One network's outputs on the labelled cells.

    ``cells``: M labelled cells; only their test part was never used for a selection. ``x`` (M, D): their exported
    representations at angle 0. ``border`` (M, 21): colours of the patch's border (``border_f1.border_colours``).
    ``rotated`` (K,): indices into ``cells`` of the cells of the test part that were rotated; ``rotated_x`` (A, K, D):
    their representations at every angle.
    """

    cells: LabelledCells
    x: Floats
    border: Floats
    rotated: Rows
    rotated_x: Floats


@dataclass(frozen=True)
class Evidence:
    """One network's outputs for N test cells, A angles (the first is 0) and D latent dimensions.

    ``angles_deg`` (A,); ``mean`` (A, N, D): posterior means, the vector that ``embed`` exports; ``log_variance``
    (A, N, D); ``pose_rad`` (A, N): the angle that the network finds, None for networks that find none;
    ``pictures(i)``: the cells at angle number i and their reconstructions; ``labelled``: None if no cell has a label.
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

    @cached_property
    def probes(self) -> dict[str, list[FittedProbe]]:
        """The probes by name, each fitted once per fold of the test part of the labelled cells, none without labels.

        Positions are those in the test part. Raises ``OrbicyteError`` for types or groups too small for the folds.
        """
        if self.labelled is None:
            return {}
        test = self.labelled.cells.test
        x, cells = self.labelled.x[test], self.labelled.cells[test]
        return {
            name: cross_validated(probe, x, cells, self.evaluation.folds, self.seed) for name, probe in PROBES.items()
        }

    @property
    def is_multiple_of_90(self) -> Flags:
        """(A,): True where the angle is a multiple of 90°, at which rotation maps pixels onto pixels."""
        quarters = self.angles_deg / 90
        return np.isclose(quarters, np.round(quarters))
