import pytest

from orbicyte.cli.options import PresetName
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import build
from orbicyte.presets import PRESETS, paper, preset, quick
from orbicyte.settings import read_settings
from orbicyte.training.networks import load_variant


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_contains_its_name_and_survives_json(name: str) -> None:
    settings = preset(name)
    assert settings.preset == name
    assert read_settings(settings.model_dump(mode="json"), name) == settings


def test_the_command_line_offers_every_preset() -> None:
    assert {member.value for member in PresetName} == PRESETS.keys()


def test_sizes_and_budgets() -> None:
    assert quick().network.size_px == 64
    assert paper().network.size_px == 256
    assert paper().training.max_epochs > quick().training.max_epochs
    assert (paper().folds, paper().evaluation.folds, paper().evaluation.cells) == (6, 5, 1000)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("network", ["baseline", "only_stn"])
def test_networks_can_be_built_from_a_preset(name: str, network: str) -> None:
    settings = preset(name)
    vae = build(load_variant(network, settings, 0.5), settings.network, (0.9, 0.8, 0.8), seed=0)
    assert vae.latent_size == settings.network.latent_size


def test_an_unknown_preset_lists_the_available_ones() -> None:
    with pytest.raises(OrbicyteError, match="no preset 'huge': available are quick, paper"):
        preset("huge")
