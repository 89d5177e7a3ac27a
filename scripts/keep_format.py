"""Write a tiny study in the current formats, which the tests of all later versions open.

python scripts/keep_format.py tests/formats/1 patches
python scripts/keep_format.py tests/formats/2 slides
python scripts/keep_format.py tests/formats/3 patches

patches: synthetic cells of two types, one epoch of every network, their scores and classifiers; expected.json holds the
representations of three random images. slides: two synthetic slides, the detected cells, decisions of two readers, and
patches; expected.json holds the table of reviewed cells. The study of a released format is never made again: a new
format has its own folder.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.classification.classifier import load_classifier
from orbicyte.embedding import load
from orbicyte.presets import PAPER_NETWORKS, quick
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.events import new_draft
from orbicyte.review.store import ReviewStore
from orbicyte.stages.classify_fit import classify_fit
from orbicyte.stages.classify_study import classify_study
from orbicyte.stages.cut import cut
from orbicyte.stages.detect import detect
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.train import train
from orbicyte.study import Study
from orbicyte.synthetic import draw_slides, draw_study

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
    "network.rotated_views=true",
    "evaluation.selection_share=0.3",
]
NEW = "9f4d4a2e-0000-4000-8000-0123456789ab"
NOT_KEPT = ("tensorboard", ".lock")


def make(study: Path) -> None:
    """Make a study with all files that orbicyte reads again."""
    with tempfile.TemporaryDirectory() as folder:
        cells = Path(folder)
        draw_study(cells, labelled=24, unlabelled=18, size_px=SIZE_PX)
        table = pd.read_csv(cells / "labels.csv")
        coarse = table["label"].where(table["label"].isna(), table["label"].str.split().str[-1] == "granulocyte")
        labels = table.assign(label=coarse.replace({True: "granulocyte", False: "other, <µ>"}), slide=None)
        labels.to_csv(cells / "labels.csv", index=False)
        import_(cells, study)
    for network in PAPER_NETWORKS:
        run = train(study, network, settings=quick().changed(TINY))
        evaluate(study, run.name)
        classify_fit(run)
    classify_study(study, run)


def make_from_slides(study: Study, slides: Path) -> None:
    """Make a study from slides, with the files that a study of imported patches lacks."""
    draw_slides(slides, slides=2, cells=12, seed=4, mpp=0.5)
    detect([slides], study, device="cpu")
    one, other = (cells["id"].tolist() for _, cells in reviewed_cells(study).groupby("slide"))
    with ReviewStore.open(study) as store:
        for reader, names in (("Ada", ("myelocyte", "lymphocyte")), ("Bo, <µ>", ("myelocyte", "unsure"))):
            name = [new_draft("D1", one[i], "name", {"label": label}) for i, label in enumerate(names)]
            store.append(reader, name)
        store.append("Ada", [new_draft("D1", one[2], "check", {"status": "rejected"})])
        store.append("Ada", [new_draft("D2", other[0], "check", {"status": "kept"})])
        store.append("Ada", [new_draft("D2", other[1], "move", {"x_px": 60.5, "y_px": 70.25})])
        store.append("Ada", [new_draft("D2", NEW, "add", {"x_px": 80.0, "y_px": 90.0, "diameter_px": 24.0})])
        store.append("Ada", [new_draft("D2", other[0], "check", {"status": "rejected"})])
        store.undo("Ada")
    cut(study, mpp=0.5, view_px=16, border="white")


def cells_now(study: Study) -> list[dict[str, Any]]:
    """The table of reviewed cells without outlines, as JSON."""
    table = reviewed_cells(study).drop(columns=["outline_px"]).round(3)
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows


def expected(study: Path) -> dict[str, dict[str, list[list[float]]]]:
    """Representations of three random images, and their probabilities of the types, by run."""
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    numbers = {}
    for run in Study.open(study).runs():
        x = load(run, device="cpu").embed(images)
        outputs: dict[str, NDArray[np.floating]] = {
            "embedding": x,
            "probabilities": load_classifier(run / "classifier").probabilities(x),
        }
        numbers[run.name] = {name: values.astype(float).round(6).tolist() for name, values in outputs.items()}
    return numbers


def main() -> None:
    """Write the study and its expected contents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("of", choices=["patches", "slides"])
    options = parser.parse_args()
    out: Path = options.out
    if out.exists():
        parser.error(f"{out} exists: the study of a released format is never made again")
    content: object
    if options.of == "slides":
        study = Study.create(out / "study")
        with tempfile.TemporaryDirectory() as folder:
            make_from_slides(study, Path(folder))
        content = cells_now(study)
    else:
        make(out / "study")
        content = expected(out / "study")
    for path in sorted((out / "study").rglob("*")):
        if path.name in NOT_KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (out / "expected.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
