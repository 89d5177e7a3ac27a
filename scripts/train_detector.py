"""Train the detector shipped with orbicyte, from random weights.

    python scripts/train_detector.py DATA --out src/orbicyte/detection/weights

On synthetic smears and, if DATA contains them, on ``smear_fields/train`` without the fields of
``smear_fields_tuning.txt``, and on ``nuclei``. Without DATA, only on synthetic smears. ``--without FAMILY`` excludes
the smear fields of one size, and thereby one laboratory, to test the detector on a laboratory unknown to it.
"""

import argparse
import importlib.metadata
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from orbicyte.detection.microscope_fields import MicroscopeField, pieces, synthetic_fields
from orbicyte.detection.real_fields import boxed_field, nuclei_fields, read_boxed, read_scales
from orbicyte.detection.training import SIDE_PX, Schedule, Source, train
from orbicyte.detection.unet import WIDTHS, UNet
from orbicyte.detection.watershed import Separation
from orbicyte.detection.weight_files import Config, write_detector

HERE = Path(__file__).parent
SMEARS, WINDOWS = 200, 4
SHARES = {"smear fields": 0.5, "synthetic smears": 0.4, "nuclei": 0.1}
VERSIONS = ("torch", "numpy", "scikit-image", "pillow")


def main() -> None:
    """Train, and write the weights every 500 steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--out", type=Path, required=True, help="Folder for unet.safetensors and unet.json.")
    parser.add_argument("--mpp", type=float, default=0.5)
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--without", nargs="*", default=[], help="Sizes of smear fields to leave out.")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    began = time.monotonic()
    side_px = 2 * SIDE_PX
    fields = sources(options.data and Path(options.data), options.mpp / 2, options.without, options.seed)
    made = {
        name: Source.of((part for field in of_kind for part in pieces(field, side_px)), SHARES[name])
        for name, of_kind in fields.items()
    }
    trained = {
        "command": " ".join(
            ["scripts/train_detector.py", *("DATA" if a == str(options.data) else a for a in sys.argv[1:])]
        ),
        "windows": {name: len(source.stack) for name, source in made.items()},
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
    }
    print(trained["windows"], f"made in {time.monotonic() - began:.0f} s", flush=True)
    config = Config(tuple(map(int, options.widths.split(","))), options.mpp, Separation(), trained)

    def after(step: int, mean: UNet, loss: float) -> None:
        print(f"step {step}: loss {loss:.4f}, {time.monotonic() - began:.0f} s", flush=True)
        if step % 500 == 0 or step == options.steps:
            write_detector(options.out, mean, config)

    train(UNet(config.widths), list(made.values()), Schedule(options.steps), options.seed, after)


def sources(data: Path | None, mpp: float, without: list[str], seed: int) -> dict[str, Iterator[MicroscopeField]]:
    """Microscope fields of each available kind, at ``mpp``; the kinds are keys of the detector's JSON."""
    found = {"synthetic smears": synthetic_fields(SMEARS, WINDOWS, 2 * SIDE_PX * mpp, mpp, seed + 1)}
    if data is not None and (data / "smear_fields").is_dir():
        tuning = set((HERE / "smear_fields_tuning.txt").read_text(encoding="utf-8").split())
        boxed = read_boxed(data / "smear_fields", "train", read_scales(HERE / "smear_fields_mpp.csv"))
        kept = [one for one in boxed if one.path.name not in tuning and one.family not in without]
        found["smear fields"] = (boxed_field(one, mpp) for one in kept)
    if data is not None and (data / "nuclei").is_dir():
        found["nuclei"] = nuclei_fields(data / "nuclei", mpp)
    return found


if __name__ == "__main__":
    main()
