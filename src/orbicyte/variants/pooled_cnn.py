"""pooled-CNN: a control for framed-HNet, with a plain encoder and the same objective; not in the paper."""

from dataclasses import replace

from orbicyte.models.encoders import PooledEncoder
from orbicyte.models.projection import InvariantProjection
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import baseline


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """The baseline with global pooling, rotated views and the contrastive loss; ``rotation_weight`` is ignored."""
    return replace(
        baseline.variant(network, rotation_weight),
        encoder=PooledEncoder,
        rotated_views=True,
        projection=InvariantProjection,
    )
