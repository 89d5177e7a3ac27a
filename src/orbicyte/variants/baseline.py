"""baseline: "a normal VAE without additional efforts to establish rotation invariant representations" (paper 2.4)."""

from orbicyte.models.decoders import ResidualDecoder
from orbicyte.models.encoders import ResidualEncoder
from orbicyte.models.poses import NoPose
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """No pose and no rotation loss; ``rotation_weight`` is ignored."""
    return Variant(
        pose=NoPose,
        encoder=ResidualEncoder,
        decoder=ResidualDecoder,
        rotate_back=False,
        rotated_views=network.rotated_views,
        rotation_weight=None,
    )
