"""Variant: the slots in which networks differ. A network is one small file in ``orbicyte.variants``."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from orbicyte.models.read_outs import LinearReadOut
from orbicyte.settings import NetworkSettings

Part = Callable[[NetworkSettings], nn.Module]


@dataclass(frozen=True)
class Variant:
    """The definition of a network, as data.

    ``pose``: patch -> angle, None if the network has none; ``encoder``: aligned patch -> features, with the
    attribute ``out_features``; ``decoder``: latent vector -> aligned patch; ``rotate_back``: whether reconstructions
    are rotated by the angle found before they are compared with the input; ``rotated_views``: whether training cells
    are rotated by random angles; ``rotation_weight``: weight w of the rotation loss between two such views (paper
    2.2), None for networks without it; ``zero_background``: whether the colour outside the disc is subtracted from
    the encoder's input, so that the zero padding of its convolutions continues the background; ``read_out``:
    (settings, encoder) -> the module that makes a ``Reading`` of the encoder's output; ``projection``: posterior mean
    -> the vector by which the contrastive loss recognises a cell in a second, augmented view, None for networks without
    that loss; ``averaged_rotations``: number of rotations of the patch, spread over the angle ``averaged_turn`` in
    radians, over which posterior and angle are averaged in evaluation mode: a quarter turn for networks that rotations
    by 90° do not change.
    """

    pose: Part
    encoder: Part
    decoder: Part
    rotate_back: bool
    rotated_views: bool
    rotation_weight: float | None
    zero_background: bool = False
    read_out: Callable[[NetworkSettings, nn.Module], nn.Module] = LinearReadOut
    projection: Part | None = None
    averaged_rotations: int = 1
    averaged_turn: float = math.pi / 2
