"""Variant: the slots in which networks differ. A network is one small file in ``orbicyte.variants``."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from orbicyte.settings import NetworkSettings

Part = Callable[[NetworkSettings], nn.Module]


@dataclass(frozen=True)
class Variant:
    """What makes a network, as data.

    ``pose``: patch -> angle, None where the network has none; ``encoder``: upright patch -> features, with the
    attribute ``out_features``; ``decoder``: latent vector -> upright patch; ``rotate_back``: whether reconstructions
    are turned by the angle found before they are compared with the input; ``rotated_views``: whether training cells
    are turned by arbitrary angles; ``rotation_weight``: weight w of the rotation loss between two such views (paper
    2.2), None for networks without it; ``zero_background``: whether the encoder is given patches less the colour
    outside the disc, so that the zeros with which its convolutions pad go on with the background.
    """

    pose: Part
    encoder: Part
    decoder: Part
    rotate_back: bool
    rotated_views: bool
    rotation_weight: float | None
    zero_background: bool = False
