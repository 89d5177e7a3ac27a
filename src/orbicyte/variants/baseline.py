"""baseline: "a normal VAE without additional efforts to establish rotation invariant representations" (paper 2.4)."""

from orbicyte.models.decoders import ResidualDecoder
from orbicyte.models.encoders import ResidualEncoder
from orbicyte.models.poses import Upright
from orbicyte.settings import NetworkSettings
from orbicyte.variant import Variant


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """No pose and no rotation loss; ``rotation_weight`` is ignored."""
    return Variant(
        pose=Upright,
        encoder=ResidualEncoder,
        decoder=ResidualDecoder,
        turn_back=False,
        turned_views=network.turned_views,
        rotation_weight=None,
    )
