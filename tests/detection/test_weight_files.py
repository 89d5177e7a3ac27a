import json
import shutil
from pathlib import Path

import pytest
import torch

from orbicyte.detection.detector import Detector
from orbicyte.detection.unet import UNet
from orbicyte.detection.watershed import Separation
from orbicyte.detection.weight_files import SHIPPED, Config, read_detector, write_detector
from orbicyte.errors import OrbicyteError

LICENCES = ("CC BY 4.0", "CC0", "MIT")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "detector"))


def test_a_written_detector_is_read(tmp_path: Path) -> None:
    network, config = UNet((4, 8)), Config((4, 8), 0.4, Separation(cell=0.4), {"command": "by hand"})
    write_detector(tmp_path / "new", network, config)
    read, read_config, _ = read_detector(tmp_path / "new")
    assert read_config == config
    for name, value in network.state_dict().items():
        assert torch.equal(read.state_dict()[name], value)


def test_shipped_weights_are_small_and_their_card_lists_licences() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 5_000_000
    card = (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(licence in card for licence in LICENCES)
    assert read_detector(SHIPPED)[1].trained["command"] in card


def test_the_fingerprint_depends_on_weights_and_rules(copied: Path) -> None:
    same = Detector.load(copied, "cpu").fingerprint
    assert same == Detector.load(device="cpu").fingerprint
    content = json.loads((copied / "unet.json").read_text())
    content["separation"]["cell"] = 0.7
    (copied / "unet.json").write_text(json.dumps(content))
    assert Detector.load(copied, "cpu").fingerprint != same


def test_a_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match="is not a detector"):
        Detector.load(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_truncated_weights_are_an_error(share: float, copied: Path) -> None:
    content = (copied / "unet.safetensors").read_bytes()
    (copied / "unet.safetensors").write_bytes(content[: int(share * len(content))])
    with pytest.raises(OrbicyteError, match="damaged"):
        Detector.load(copied)


@pytest.mark.parametrize(
    "change",
    [
        {"widths": [8, 16]},
        {"widths": "no"},
        {"widths": []},
        {"mpp": -1},
        {"mpp": None},
        {"separation": {}},
        {"format": 99},
    ],
)
def test_a_wrong_configuration_is_a_one_line_error(change: dict[str, object], copied: Path) -> None:
    content = json.loads((copied / "unet.json").read_text())
    (copied / "unet.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(OrbicyteError) as raised:
        Detector.load(copied)
    assert "\n" not in str(raised.value)


def test_a_missing_device_is_an_error() -> None:
    with pytest.raises(OrbicyteError, match="cannot use the device"):
        Detector.load(device="abacus")
