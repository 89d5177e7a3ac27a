"""A detector on disk: a folder with the weights in ``unet.safetensors`` and everything else in ``unet.json``."""

import hashlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from orbicyte.detection.unet import MAPS, UNet
from orbicyte.detection.watershed import Separation
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_format, replacing, write_json

FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"
WEIGHTS, CONFIG = "unet.safetensors", "unet.json"


@dataclass(frozen=True)
class Config:
    """``widths`` of the network, its working ``mpp``, the rules for a cell, and how it was ``trained``."""

    widths: tuple[int, ...]
    mpp: float
    separation: Separation
    trained: dict[str, Any] = field(default_factory=dict)


def write_detector(folder: Path, network: UNet, config: Config) -> None:
    """Write ``network`` and ``config`` to ``folder``, which is created if absent."""
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(save(state))
    content = {"format": FORMAT, "architecture": "unet", "maps": list(MAPS), **asdict(config)}
    write_json(folder / CONFIG, content)


def read_detector(folder: Path) -> tuple[UNet, Config, str]:
    """Network (in evaluation mode), configuration and fingerprint of the detector in ``folder``.

    Raises ``OrbicyteError`` if there is none or it is damaged.
    """
    for name in (WEIGHTS, CONFIG):
        if not (folder / name).is_file():
            raise OrbicyteError(f"{folder} is not a detector: expected {WEIGHTS} and {CONFIG} in it, found no {name}")
    config = _config(folder / CONFIG)
    content = (folder / WEIGHTS).read_bytes()
    network = UNet(config.widths)
    try:
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError, KeyError) as error:
        line = str(error).splitlines()[0]
        raise OrbicyteError(f"{folder / WEIGHTS} is damaged or of another network ({line}): copy it again") from error
    digest = hashlib.sha256(content + (folder / CONFIG).read_bytes())
    return network.eval(), config, digest.hexdigest()


def _config(path: Path) -> Config:
    content = check_format(path, FORMAT)
    try:
        rules = {one.name: float(content["separation"][one.name]) for one in fields(Separation)}
        widths = tuple(int(width) for width in content["widths"])
        if len(widths) < 2 or min(widths) < 1 or not float(content["mpp"]) > 0:
            raise ValueError("widths or mpp out of range")
        return Config(widths, float(content["mpp"]), Separation(**rules), dict(content.get("trained", {})))
    except (KeyError, TypeError, ValueError) as error:
        raise OrbicyteError(f"{path} is damaged ({error}): copy the detector again") from error


def device_of(name: str | None) -> torch.device:
    """The device ``name``; None: a GPU if there is one. Raises ``OrbicyteError`` if it cannot be used."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0]
        raise OrbicyteError(
            f"cannot use the device {name!r} ({line}): give 'cpu', or 'cuda' if there is a GPU"
        ) from error
    return device
