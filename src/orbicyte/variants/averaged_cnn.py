"""averaged-CNN: a control for inv-HNet, invariant by an average instead of by its layers; not in the paper."""

import math
from dataclasses import replace

from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import baseline


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """The baseline, whose representation is the average over eight rotations of the patch, by 0°, 45°, ..., 315°.

    The average is taken after training only, so the weights are the baseline's.
    """
    return replace(baseline.variant(network, rotation_weight), averaged_rotations=8, averaged_turn=2 * math.pi)
