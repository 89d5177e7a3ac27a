"""pooled-STN: a control for inv-HNet, whose features are averaged over the map too; not in the paper."""

from dataclasses import replace

from orbicyte.models.encoders import PooledEncoder
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import only_stn


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """only-STN with global pooling instead of the flattened map, and nothing else changed."""
    return replace(only_stn.variant(network, rotation_weight), encoder=PooledEncoder)
