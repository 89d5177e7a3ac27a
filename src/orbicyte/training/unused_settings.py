"""Which settings a network does not use: to change them changes nothing in its training."""

from functools import cache
from typing import Any

from pydantic import PrivateAttr

from orbicyte import plugins, variants
from orbicyte.models.vae import build
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.training.networks import load_variant

OF_VIEWS = {"size_px", "latent_size"}
"""Settings of the section ``network`` that are also read outside the network, for its input and its noise."""
BLACK = (0.0, 0.0, 0.0)


class _Recorded(NetworkSettings):
    """Settings that record which of them are read."""

    _read: set[str] = PrivateAttr(default_factory=set)

    def __getattribute__(self, name: str) -> Any:
        if name in NetworkSettings.model_fields:
            self._read.add(name)
        return super().__getattribute__(name)


@cache
def unused_settings(network: str, settings: Settings, rotation_weight: float | None) -> frozenset[str]:
    """The settings that ``network`` does not use, as ``section.name``.

    Of the section ``network`` those that are not read while it is built, which takes as long as to build it the first
    time; of the others those of the contrastive loss and of the rotation loss, for a network without that loss. Raises
    ``OrbicyteError`` as ``load_variant``.
    """
    variant = load_variant(network, settings, rotation_weight)
    recorded = _Recorded.model_construct(**dict(settings.network))
    make = plugins.load(variants, network, "variant")
    build(make(recorded, rotation_weight or 0.0), recorded, BLACK, seed=0)
    unused = {f"network.{name}" for name in set(NetworkSettings.model_fields) - recorded._read - OF_VIEWS}
    if variant.projection is None:
        unused |= {f"augmentation.{name}" for name in type(settings.augmentation).model_fields}
        unused |= {"loss.contrast_weight", "loss.contrast_kind", "loss.contrast_temperature"}
    if settings.loss.contrast_kind == "variance":
        unused.add("loss.contrast_temperature")
    if variant.rotation_weight is None:
        unused.add("loss.rotation_kl")
    return frozenset(unused)
