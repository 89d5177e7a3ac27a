import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import build
from orbicyte.settings import Settings
from orbicyte.study.files import read_json, write_json
from orbicyte.study.runs import RunFolder
from orbicyte.training.networks import load_network, load_variant, save_weights

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> RunFolder:
    """A copy of a trained run for each test."""
    return RunFolder(Path(shutil.copytree(trained / "runs" / RUN, tmp_path / RUN)))


def change(folder: RunFolder, **values: object) -> None:
    write_json(folder.path / "run.json", read_json(folder.path / "run.json") | values)


def test_a_copied_run_folder_yields_its_network(folder: RunFolder) -> None:
    network = load_network(folder, folder.record())
    assert not network.training
    torch.testing.assert_close(network.fill, torch.tensor(folder.record().view.fill_rgb))


def test_weights_can_be_saved_and_loaded(folder: RunFolder, tiny: Settings) -> None:
    network = build(load_variant("only_stn", tiny, 0.5), tiny.network, folder.record().view.fill_rgb, seed=5)
    save_weights(folder, network)
    again = load_network(folder, replace(folder.record(), digests={}))
    assert again.state_dict().keys() == network.state_dict().keys() == load_file(folder.weights).keys()
    for name, value in again.state_dict().items():
        assert torch.equal(value, network.state_dict()[name]), name


def test_weights_of_another_training_are_not_taken_for_those_of_the_run(folder: RunFolder, tiny: Settings) -> None:
    fill_rgb = folder.record().view.fill_rgb
    save_weights(folder, build(load_variant("only_stn", tiny, 0.5), tiny.network, fill_rgb, seed=5))
    with pytest.raises(OrbicyteError, match="it does not match its digest"):
        load_network(folder, folder.record())


def truncated(folder: RunFolder) -> None:
    folder.weights.write_bytes(folder.weights.read_bytes()[:-100])


def empty(folder: RunFolder) -> None:
    folder.weights.write_bytes(b"")


def missing(folder: RunFolder) -> None:
    folder.weights.unlink()


def of_another_network(folder: RunFolder) -> None:
    settings = folder.record().settings
    save_weights(folder, build(load_variant("baseline", settings, None), settings.network, (0, 0, 0), seed=0))


def of_another_size(folder: RunFolder) -> None:
    settings = folder.record().settings.changed(["network.latent_size=9"])
    save_weights(folder, build(load_variant("only_stn", settings, 0.5), settings.network, (0, 0, 0), seed=0))


@pytest.mark.parametrize("damage", [truncated, empty, missing, of_another_network, of_another_size])
def test_weights_that_do_not_belong_to_the_run_are_a_one_line_error(
    folder: RunFolder, damage: Callable[[RunFolder], None]
) -> None:
    damage(folder)
    with pytest.raises(OrbicyteError, match=r"cannot read the weights .*weights.safetensors.* again") as caught:
        load_network(folder, folder.record())
    assert len(str(caught.value).splitlines()) == 1


class Bomb:
    """Creates a file if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [torch.save, lambda bomb, path: path.write_bytes(pickle.dumps(bomb))])
def test_a_pickle_is_never_unpickled(folder: RunFolder, tmp_path: Path, write: Callable[[Bomb, Path], None]) -> None:
    write(Bomb(tmp_path / "unpickled"), folder.weights)
    with pytest.raises(OrbicyteError, match="cannot read the weights"):
        load_network(folder, folder.record())
    assert not (tmp_path / "unpickled").exists()


def test_a_network_that_is_not_installed_is_an_error_with_its_name(folder: RunFolder) -> None:
    change(folder, network="magic")
    with pytest.raises(OrbicyteError, match="no 'magic' among the networks: available are"):
        load_network(folder, folder.record())


def test_a_run_that_has_not_ended_cannot_be_loaded(folder: RunFolder) -> None:
    change(folder, state="training")
    assert folder.started()
    assert not folder.done()
    with pytest.raises(OrbicyteError, match="has not ended: run 'orbicyte train' again to continue"):
        load_network(folder, folder.record())
