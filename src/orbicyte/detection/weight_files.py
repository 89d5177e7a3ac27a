"""A detector on disk: a folder with the weights in ``unet.safetensors`` and everything else in ``unet.json``."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from safetensors.torch import save

from orbicyte.detection.unet import MAPS, UNet
from orbicyte.detection.watershed import Separation
from orbicyte.errors import OrbicyteError
from orbicyte.models.restored import restored
from orbicyte.study.files import check_format, replacing, validated, write_json
from orbicyte.study.reading import read_bytes, sha256
from orbicyte.study.values import Mpp
from orbicyte.study.weights import LARGEST_BYTES

FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"
ADVICE = "copy the detector again"
WEIGHTS, CONFIG = "unet.safetensors", "unet.json"


@dataclass(frozen=True)
class Config:
    """``widths`` of the network, its working ``mpp``, the rules for a cell, and how it was ``trained``."""

    widths: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=2, max_length=8)]
    mpp: Mpp
    separation: Separation
    trained: dict[str, Any] = field(default_factory=dict)


_CONFIG = TypeAdapter(Config)


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
    network = restored(lambda: UNet(config.widths), folder / WEIGHTS, ADVICE)
    content = read_bytes(folder / WEIGHTS, LARGEST_BYTES) + read_bytes(folder / CONFIG)
    return network, config, sha256(content)


def _config(path: Path) -> Config:
    content = check_format(path, FORMAT, ADVICE)
    rules = content.get("separation")
    if missing := [one.name for one in fields(Separation) if not isinstance(rules, dict) or one.name not in rules]:
        raise OrbicyteError(f"{path} is damaged: separation.{missing[0]} is missing; {ADVICE}")
    return validated(_CONFIG, content, path, ADVICE)
