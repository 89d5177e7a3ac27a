"""framed-HNet: a harmonic encoder that finds the cell's frame itself, and a contrastive loss.

Not in the paper: see ``docs/invariance.md`` for why each part is there.
"""

from orbicyte.errors import OrbicyteError
from orbicyte.models.decoders import ResidualDecoder
from orbicyte.models.harmonic_encoder import SEVERAL_ORDERS, HarmonicMaps
from orbicyte.models.poses import NoPose
from orbicyte.models.projection import InvariantProjection
from orbicyte.models.read_outs import FramedReadOut
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings

FEWEST = 2 * sum(SEVERAL_ORDERS.values())
"""Channels, two per field, for a field of each order."""


def framed(network: NetworkSettings) -> Variant:
    """Fields of the orders 0, 1 and 2; no transformer and no rotation loss."""
    return Variant(
        pose=NoPose,
        encoder=HarmonicMaps,
        decoder=ResidualDecoder,
        rotate_back=True,
        rotated_views=True,
        rotation_weight=None,
        zero_background=True,
        read_out=FramedReadOut,
        projection=InvariantProjection,
        averaged_rotations=network.framed_rotations,
    )


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """``framed`` for every ``rotation_weight``.

    Raises ``OrbicyteError`` for a representation of one dimension, which cannot have two parts, and for too few
    channels to have fields of every order.
    """
    if network.latent_size < 2:
        raise OrbicyteError(f"framed_hnet needs network.latent_size of at least 2, got {network.latent_size}")
    if min(network.framed_widths) < FEWEST:
        widths = list(network.framed_widths)
        raise OrbicyteError(f"framed_hnet needs network.framed_widths of at least {FEWEST}, got {widths}")
    return framed(network)
