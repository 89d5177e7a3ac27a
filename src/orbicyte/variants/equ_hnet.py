"""equ-HNet: a harmonic encoder of rotation order 2 behind the rotation-only transformer (paper 2.3, 2.4)."""

from dataclasses import replace
from functools import partial

from orbicyte.models.harmonic_encoder import HarmonicEncoder
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import only_stn

ORDER = 2


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """only-STN with an encoder whose fields are multiplied by e^{2 i phi} if the patch is rotated by phi.

    The first convolution has order 2; the orders within a block sum to 0, as in the paper.
    """
    branch = ORDER if network.harmonic_branch == "opposite" else 0
    encoder = partial(HarmonicEncoder, shares={ORDER: 1}, branch_order=branch)
    return replace(only_stn.variant(network, rotation_weight), encoder=encoder, zero_background=True)
