import pytest
import torch
from tests.variants.test_contract import FILL, NAMES, SETTINGS, patches

from orbicyte.models.losses import terms
from orbicyte.models.vae import build
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.training.networks import load_variant
from orbicyte.training.unused_settings import OF_VIEWS, unused_settings

OTHER_VALUES = {
    "widths": "6,10",
    "blocks": "2",
    "pose_widths": "6",
    "pose_start_deg": "10",
    "pose_output": "angle",
    "rotated_views": "true",
    "judge_reconstruction": "before",
    "harmonic_widths": "16,18,20",
    "harmonic_kernel_px": "7",
    "harmonic_first_px": "9",
    "harmonic_blur_px": "1",
    "harmonic_fade": "0.2",
    "harmonic_gate": "relu",
    "harmonic_branch": "zero",
    "harmonic_read_out": "real",
    "framed_widths": "18,16,20",
    "framed_rotations": "3",
    "read_out_rings": "2",
    "read_out_hidden": "8",
    "projection_hidden": "32",
    "detail_share": "0.4",
    "detail_map_px": "4",
}


def loss(name: str, settings: Settings) -> float:
    """The loss of the untrained network on some patches."""
    variant = load_variant(name, settings, 0.5)
    views = [patches(0), torch.rot90(patches(0), 1, (-2, -1))]
    views = views if variant.rotation_weight is not None or variant.projection is not None else views[:1]
    noise = torch.randn(len(views) * 4, settings.network.latent_size, generator=torch.Generator().manual_seed(0))
    network = build(variant, settings.network, FILL, seed=1)
    assert (variant.rotated_views, variant.averaged_rotations) == definition(name)
    return float(terms(network, views, noise, settings.loss, variant.rotation_weight).total.detach())


def definition(name: str) -> tuple[bool, int]:
    """What a variant defines beside its parts, with the settings of the contract."""
    variant = load_variant(name, SETTINGS, 0.5)
    return variant.rotated_views, variant.averaged_rotations


@pytest.mark.parametrize("name", NAMES)
def test_other_values_of_unused_settings_change_nothing(name: str) -> None:
    assert set(OTHER_VALUES) == set(NetworkSettings.model_fields) - OF_VIEWS  # a new setting needs a value here
    unused = unused_settings(name, SETTINGS, 0.5)
    others = {f"network.{setting}": value for setting, value in OTHER_VALUES.items()}
    changes = [f"{setting}={value}" for setting, value in others.items() if setting in unused]
    assert changes
    changes += ["loss.rotation_kl=half"] if "loss.rotation_kl" in unused else []
    changes += ["loss.contrast_weight=7", "augmentation.stain=1"] if "loss.contrast_weight" in unused else []
    assert loss(name, SETTINGS.changed(changes)) == loss(name, SETTINGS)


@pytest.mark.parametrize(
    ("name", "used", "unused"),
    [
        ("baseline", {"widths", "rotated_views"}, {"pose_widths", "harmonic_widths", "framed_widths", "detail_map_px"}),
        ("only_stn", {"widths", "pose_output"}, {"harmonic_gate", "read_out_rings"}),
        ("equ_hnet", {"harmonic_first_px", "pose_widths", "judge_reconstruction"}, {"framed_widths", "detail_share"}),
        ("framed_hnet", {"framed_rotations", "detail_map_px", "detail_share"}, {"pose_widths", "harmonic_widths"}),
    ],
)
def test_what_a_network_uses(name: str, used: set[str], unused: set[str]) -> None:
    found = unused_settings(name, SETTINGS, 0.5)
    assert {f"network.{setting}" for setting in unused} <= found
    assert not {f"network.{setting}" for setting in used | OF_VIEWS} & found
    assert ("loss.contrast_weight" in found) == (name != "framed_hnet")
    assert ("loss.rotation_kl" in found) == (name in {"baseline", "framed_hnet"})


def test_the_temperature_counts_only_for_the_loss_that_has_one() -> None:
    setting = "loss.contrast_temperature"
    assert setting not in unused_settings("framed_hnet", SETTINGS, None)
    changed = SETTINGS.changed(["loss.contrast_kind=variance"])
    assert setting in unused_settings("framed_hnet", changed, None)
    assert loss("framed_hnet", changed) == loss("framed_hnet", changed.changed([f"{setting}=3"]))
