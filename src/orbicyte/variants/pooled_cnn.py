"""pooled-CNN: a control for framed-HNet, with a plain encoder and the same objective; not in the paper."""

from dataclasses import replace

from orbicyte.errors import OrbicyteError
from orbicyte.models.encoders import PooledEncoder
from orbicyte.models.projection import InvariantProjection
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import baseline


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """The baseline with global pooling, rotated views and the contrastive loss; ``rotation_weight`` is ignored.

    Raises ``OrbicyteError`` for a representation of one dimension, of which the contrastive loss would use none.
    """
    if network.latent_size < 2:
        raise OrbicyteError(f"pooled_cnn needs network.latent_size of at least 2, got {network.latent_size}")
    return replace(
        baseline.variant(network, rotation_weight),
        encoder=PooledEncoder,
        rotated_views=True,
        projection=InvariantProjection,
    )
