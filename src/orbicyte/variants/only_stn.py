"""only-STN: the classical VAE behind a rotation-only spatial transformer, with the rotation loss (paper 2.2, 2.4)."""

from dataclasses import replace

from orbicyte.models.poses import SpatialTransformer
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import baseline


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """The baseline's encoder and decoder on aligned patches; ``rotation_weight`` is w of the paper's w L_rot."""
    return replace(
        baseline.variant(network, rotation_weight),
        pose=SpatialTransformer,
        rotate_back=network.judge_reconstruction == "after",
        rotated_views=True,
        rotation_weight=rotation_weight,
    )
