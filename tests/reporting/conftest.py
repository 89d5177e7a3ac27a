"""A study as the stages write it, of synthetic cells and numbers: only what the report reads."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.reporting.made_experiment import f1_of, predicted_cells

from orbicyte.arrays import Pixels
from orbicyte.data.patches import Entry, Skipped, write_store
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.predictions import write_predictions
from orbicyte.study.runs import RunFolder, RunKey, RunRecord, TrainingData, TrainingEnd, ViewSizes
from orbicyte.study.scores import EvaluationRecord, Score, write_evaluation, write_scores

SIDE_PX = 32
TYPES = ("band", "eosinophil", "lymphocyte", "myelocyte")
RUNS = (
    RunKey("only_stn", 0.9, 0, 1),
    RunKey("baseline", None, 0, 1),
    RunKey("only_stn", 0.2, 0, 1),
    RunKey("only_stn", 0.5, 0, 1),
)

MakeStudy = Callable[..., Study]


@pytest.fixture(scope="session")
def build_study() -> MakeStudy:
    """``build_study(path, runs, types)``: a study with a score for every measure that the report knows."""

    def build(path: Path, runs: Sequence[RunKey] = RUNS, types: Sequence[str] = TYPES) -> Study:
        study, images = Study.create(path), blobs(60)
        write_patches(study, images, types)
        for run in runs:
            write_run(study, run, images, types)
        return study

    return build


@pytest.fixture
def make_study(tmp_path: Path, build_study: MakeStudy) -> MakeStudy:
    """``build_study`` in the test's own folder."""
    return partial(build_study, tmp_path / "study")


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """A study with the baseline and only_stn at three weights."""
    return make_study()


def blobs(count: int) -> Pixels:
    """Round spots of several colours and positions on a pale background: (count, SIDE_PX, SIDE_PX, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    centres = SIDE_PX / 2 + rng.uniform(-3, 3, (count, 2, 1, 1))
    spots = np.hypot(x - centres[:, 0], y - centres[:, 1]) < rng.uniform(6, 12, (count, 1, 1))
    colours = rng.integers(60, 200, (count, 1, 1, 3))
    return np.where(spots[..., None], colours, 235).astype(np.uint8)


def write_patches(study: Study, images: Pixels, types: Sequence[str], mpp: float | None = 0.2) -> None:
    """The patch store; every second cell is labelled, if there are types."""
    labels = [types[i % len(types)] if types and i % 2 else None for i in range(len(images))]
    entries = [
        Entry(image, f"cell{i:05d}.png", label) for i, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    warnings = ["3 unlabelled cells share a slide with labelled ones"]
    damaged = Skipped("damaged.jpg", "cannot be read")
    write_store(study.patches, [*entries, damaged], side_px=images.shape[1], mpp=mpp, warnings=warnings)


def write_run(study: Study, key: RunKey, images: Pixels, types: Sequence[str]) -> None:
    """A trained and evaluated run."""
    run = RunFolder(study.run(key.folder_name))
    run.write(record(key))
    epochs = np.arange(12)
    log = pd.DataFrame({"epoch": epochs, "train_loss": 900 + 4000 * np.exp(-epochs / 2)})
    log.assign(validation_loss=log["train_loss"] * 1.05 + 3 * epochs).to_csv(run.log, index=False)
    write_scores(run.score_table, key, scores(key, types))
    if types:
        write_predictions(run.predictions, key, predicted_cells(key, types))
    evaluation = EvaluationRecord(1000, 750, 250, "cell", 24, run.record().settings.evaluation)
    write_evaluation(run.evaluation, evaluation)
    write_arrays(run.arrays, images, types, seed=int(10 * (key.rotation_weight or 0)))


def record(key: RunKey) -> RunRecord:
    """The content of ``run.json``."""
    rotation = 0.0 if key.rotation_weight is None else 0.1 * key.rotation_weight
    return RunRecord(
        **vars(key),
        state="done",
        settings=Settings(seed=key.seed),
        view=ViewSizes(SIDE_PX, SIDE_PX, 64, (0.9, 0.9, 0.9)),
        data=TrainingData("0123abcd", 2000, 500, 500),
        parameters=412_345,
        versions={"orbicyte": "0.1.0", "torch": "2.6.0"},
        training=TrainingEnd(12, 7, "early", 123.4, "cpu"),
        warnings=["trained on less than 5,000 cells"],
        loss_shares={"reconstruction": 0.8 - rotation, "prior": 0.2, "rotation": rotation},
    )


def scores(run: RunKey, types: Sequence[str]) -> list[Score]:
    """A value for each measure; larger weights have lower rotation KL and F1."""
    rng = np.random.default_rng([run.fold, run.seed, int(10 * (run.rotation_weight or 0))])
    kl = 41.0 if run.rotation_weight is None else 2.5 / run.rotation_weight
    kl *= 1 + 0.1 * (run.fold - 1)
    angles = np.arange(0, 360, 15)
    shape = np.where(angles % 90, 1 + 0.3 * np.sin(np.radians(2 * angles)) ** 2, 0.4)
    by_angle = zip(angles.tolist(), (kl * shape * (angles > 0)).tolist(), strict=True)
    found = [Score("rotation_kl", value, angle_deg=angle) for angle, value in by_angle]
    overall = {"rotation_kl": kl, "rotation_kl/ratio": kl / 150, "rotation_kl/multiples_of_90": 0.4 * kl}
    overall |= {"rotation_kl/other_angles": 1.1 * kl, "rotation_kl/between_cells": 150.0}
    overall |= {"ssim": 0.7 - 0.02 * (run.rotation_weight or 0) + float(rng.normal(0, 0.01))}
    overall |= {"retrieval_accuracy": 0.91 if run.rotation_weight else 0.32, "retrieval_accuracy/cells": 1000.0}
    overall |= {
        "movement/raw": 1.1 if run.rotation_weight is None else 0.2,
        "movement/standardised": 0.25,
        "movement/dropped_dimensions": 3.0,
    }
    overall |= {"asymmetry/energy": 0.43, "asymmetry/explained": 0.3 + 0.03 * run.fold, "new_measure": 0.123}
    found += [Score(measure, float(value)) for measure, value in overall.items()]
    if types:
        found += [score for probe in ("linear", "mlp") for score in typing_scores(run, probe, types, rng)]
        found.append(Score("majority_f1", 0.053))
    return found


def typing_scores(run: RunKey, probe: str, types: Sequence[str], rng: np.random.Generator) -> list[Score]:
    """Scores as ``f1`` and ``border_f1`` yield them for one probe."""
    f1 = f1_of(predicted_cells(run, types), probe)
    overall = {"f1": f1, "f1_all": f1 + 0.01, "every_angle_f1": f1 - 0.2, "one_type": 0.7, "border_f1": 0.18}
    found = [Score(f"{measure}/{probe}", value) for measure, value in overall.items()]
    found.append(Score(f"f1/{probe}/sd", 0.018))
    found += [Score(f"f1/{probe}", float(np.clip(f1 + rng.normal(0, 0.1), 0, 1)), type=name) for name in types]
    for i, true in enumerate(types):
        counts = rng.multinomial(75, 0.75 * np.eye(len(types))[i] + 0.25 / len(types))
        row = zip(types, counts.tolist(), strict=True)
        found += [Score(f"confusion/{probe}", count, f"{true}\t{predicted}") for predicted, count in row]
    return found


def write_arrays(path: Path, images: Pixels, types: Sequence[str], seed: int) -> None:
    """Five pictures with blurred copies, and a map on which types form clusters."""
    rng = np.random.default_rng(seed)
    inputs = images[:5].astype(np.float32) / 255
    blurred = np.mean([np.roll(inputs, (i, j), (1, 2)) for i in range(-2, 3) for j in range(-2, 3)], axis=0)
    cells = np.arange(1 if types else 0, len(images), 2)
    kinds = cells % max(len(types), 1)
    angle = 2.4 * kinds
    xy = 4 * np.stack((np.cos(angle), np.sin(angle)), 1) + rng.normal(0, 1.5, (len(cells), 2))
    np.savez_compressed(
        path,
        inputs=inputs,
        reconstructions=blurred.astype(np.float32),
        map_xy=xy.astype(np.float32),
        map_cells=cells,
        map_types=np.array([types[int(k)] if types else "" for k in kinds]),
        angles_deg=np.arange(0.0, 360.0, 15.0),
    )
