"""The shipped network: a framed-HNet with the weights in the package, which ``train`` copies instead of training it."""

from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants.framed_hnet import framed


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """framed_hnet's; its sizes are those of the shipped weights, whatever the settings of the study."""
    return framed(network)
