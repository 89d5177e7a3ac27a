"""A tiny study of the formats that this orbicyte writes, which the tests of all later ones open.

python scripts/keep_format.py tests/formats/1

Drawn cells of two types, one epoch of every network, their scores and classifiers; and in expected.json what three
seeded images embed to. What is kept for a released format is never made again: a new one gets a folder beside it.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.classifier import load_classifier
from orbicyte.data.synthetic import draw_study
from orbicyte.embedding import load
from orbicyte.presets import quick
from orbicyte.stages.classify import classify_fit
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.run import NETWORKS
from orbicyte.stages.train import train
from orbicyte.study import Study

SIZE_PX = 16
TINY = [
    "network.size_px=16",
    "network.widths=2,4",
    "network.latent_size=3",
    "network.pose_widths=2",
    "network.harmonic_widths=4,8",
    "training.batch_size=4",
    "training.max_epochs=1",
    "training.learning_rate=0.02",
    "evaluation.cells=6",
    "evaluation.angle_step_deg=90",
    "evaluation.folds=2",
    "folds=3",
]
NOT_KEPT = ("tensorboard", ".lock")


def make(study: Path) -> None:
    """A study with everything that orbicyte itself reads again."""
    with tempfile.TemporaryDirectory() as folder:
        cells = Path(folder)
        draw_study(cells, labelled=24, unlabelled=18, size_px=SIZE_PX)
        table = pd.read_csv(cells / "labels.csv")
        coarse = table["label"].where(table["label"].isna(), table["label"].str.split().str[-1] == "granulocyte")
        told = table.assign(label=coarse.replace({True: "granulocyte", False: "other, <µ>"}), slide=None)
        told.to_csv(cells / "labels.csv", index=False)
        import_(cells, study)
    for network in NETWORKS:
        run = train(study, network, settings=quick().changed(TINY))
        evaluate(study, run.name)
        classify_fit(run)


def expected(study: Path) -> dict[str, dict[str, list[list[float]]]]:
    """Representations of three seeded images, and their probabilities of the types, by run."""
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    figures = {}
    for run in Study.open(study).runs():
        x = load(run, device="cpu").embed(images)
        told: dict[str, NDArray[np.floating]] = {
            "embedding": x,
            "probabilities": load_classifier(run / "classifier").probabilities(x),
        }
        figures[run.name] = {name: values.astype(float).round(6).tolist() for name, values in told.items()}
    return figures


def main() -> None:
    """Write the study and what it must yield."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="new folder")
    out: Path = parser.parse_args().out
    if out.exists():
        parser.error(f"{out} exists: what is kept for a released format is never made again")
    make(out / "study")
    for path in sorted((out / "study").rglob("*")):
        if path.name in NOT_KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (out / "expected.json").write_text(json.dumps(expected(out / "study"), indent=1) + "\n")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
