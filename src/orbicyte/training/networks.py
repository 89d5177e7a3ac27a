"""Networks on disk: the plug-in of a run, and its weights in safetensors format."""

import math

from safetensors.torch import save
from torch import nn

from orbicyte import plugins, variants
from orbicyte.errors import OrbicyteError
from orbicyte.models.restored import restored
from orbicyte.models.size import weight_count
from orbicyte.models.vae import VAE, build
from orbicyte.models.variant import Variant
from orbicyte.settings import Settings
from orbicyte.study.files import replacing
from orbicyte.study.runs import RunFolder, RunRecord

LARGEST = 250_000_000
"""Weights of the largest network that is built, 1 GB; those of the preset ``paper`` have 14 million."""


def load_variant(network: str, settings: Settings, rotation_weight: float | None) -> Variant:
    """The plug-in ``network`` called with its settings.

    Raises ``OrbicyteError`` if there is none of that name, for a weight that is no number from 0, and for a network
    that would not fit in memory.
    """
    if rotation_weight is not None and not 0 <= rotation_weight < math.inf:
        raise OrbicyteError(f"the weight of the rotation loss must be a number from 0, got {rotation_weight}")
    weights = weight_count(settings.network)
    if weights > LARGEST:
        raise OrbicyteError(
            f"the settings make a network of about {weights:.2g} weights, more than {LARGEST:.2g}: "
            "reduce network.size_px, latent_size, blocks or widths"
        )
    make = plugins.load(variants, network, "variant")
    variant: Variant = make(settings.network, rotation_weight if rotation_weight is not None else 0.0)
    return variant


def save_weights(folder: RunFolder, network: nn.Module) -> None:
    """Write the weights of ``network`` into the run folder, completely or not at all."""
    with replacing(folder.weights) as temporary:
        temporary.write_bytes(save({name: value.contiguous().cpu() for name, value in network.state_dict().items()}))


def load_network(folder: RunFolder, record: RunRecord) -> VAE:
    """The trained network of a run with this ``record``, in evaluation mode on the CPU.

    Raises ``OrbicyteError`` if training has not ended, or the weights are damaged or of another network.
    """
    if record.state != "done":
        raise OrbicyteError(f"training of {folder.path} has not ended: run 'orbicyte train' again to continue")
    network, view, advice = record.settings.network, record.view, f"delete {folder.path} and train it again"
    if view.size_px != network.size_px:
        raise OrbicyteError(
            f"{folder.path} is damaged: its network sees {network.size_px} px, its view has {view.size_px}; {advice}"
        )
    variant = load_variant(record.network, record.settings, record.rotation_weight)
    digest = record.digests.get(folder.weights.name)
    try:
        return restored(lambda: build(variant, network, view.fill_rgb, seed=0), folder.weights, advice, digest)
    except (ValueError, MemoryError) as error:
        raise OrbicyteError(f"cannot build the network of {folder.path}: {error}; {advice}") from error
