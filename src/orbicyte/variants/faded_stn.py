"""faded-STN: a control for inv-HNet, which sees what a harmonic encoder sees; not in the paper."""

from dataclasses import replace

from orbicyte.models.encoders import FadedEncoder
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import pooled_stn


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """pooled-STN with the input of a harmonic encoder: without the background colour, and fading towards the rim."""
    return replace(pooled_stn.variant(network, rotation_weight), encoder=FadedEncoder, zero_background=True)
