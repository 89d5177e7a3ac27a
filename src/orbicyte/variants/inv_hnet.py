"""inv-HNet: harmonic layers of rotation order 0 behind the rotation-only transformer (paper 2.3, 2.4)."""

from dataclasses import replace
from functools import partial

from orbicyte.models.harmonic_encoder import HarmonicEncoder
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings
from orbicyte.variants import only_stn


def variant(network: NetworkSettings, rotation_weight: float) -> Variant:
    """only-STN with every layer of the encoder of order 0: its features are invariant to rotation."""
    encoder = partial(HarmonicEncoder, shares={0: 1})
    return replace(only_stn.variant(network, rotation_weight), encoder=encoder, zero_background=True)
