"""Networks on disk: the plug-in of a run, and its weights in safetensors format."""

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from orbicyte import plugins, variants
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE, build
from orbicyte.models.variant import Variant
from orbicyte.settings import Settings
from orbicyte.study.files import replacing
from orbicyte.study.runs import RunFolder, RunRecord


def load_variant(network: str, settings: Settings, rotation_weight: float | None) -> Variant:
    """The plug-in ``network`` called with its settings. Raises ``OrbicyteError`` if there is none of that name."""
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
    variant = load_variant(record.network, record.settings, record.rotation_weight)
    network = build(variant, record.settings.network, record.view.fill_rgb, seed=0)
    try:
        network.load_state_dict(load_file(folder.weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise OrbicyteError(
            f"cannot read the weights {folder.weights}: {reason}; delete {folder.path} and train it again"
        ) from error
    return network.eval()
