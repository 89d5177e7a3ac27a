"""A small study with all of its files, and what is read from each of them."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.stages.made_detections import PLACES, found

import orbicyte
from orbicyte.classification.classifier import load_classifier
from orbicyte.data.patches import PatchStore
from orbicyte.reporting.inputs import read
from orbicyte.study import Study
from orbicyte.study.cells import read_cells, read_ids
from orbicyte.study.classes import choose_classes, chosen_classes
from orbicyte.study.counts import NUMBERS, SHARES, read_counts, write_counts
from orbicyte.study.failed_runs import RunFailure, failed_runs, write_failure
from orbicyte.study.slides import DetectionRecord, Failure, failures, read_detection, read_record, write_detection
from orbicyte.study.slides import write_failure as write_slide_failure
from orbicyte.study.types import confusion_elsewhere, predicted_by, predicted_types, read_types

RUN = "only_stn-w0.5-fold1-seed0"
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def complete(path: Path) -> None:
    """Add to a trained study the files that it lacks: a classifier, types, slides, failures, a list of types."""
    study = Study.open(path)
    orbicyte.classify_fit(path / "runs" / RUN)
    orbicyte.classify_study(study, path / "runs" / RUN)
    found(study, "a", PLACES)
    write_detection(study, "a", DetectionRecord("detector", None, len(PLACES)))
    write_slide_failure(study, Failure("b", "/data/b.svs", "no pixels"))
    write_failure(path / "runs" / RUN, RunFailure("no cells"))
    choose_classes(study, ["blast", "plasma cell"], [])
    table = pd.DataFrame({"slide": ["a", "a"], "type": ["blast", "plasma cell"]})
    write_counts(study, table.assign(**dict.fromkeys(SHARES, 50.0), **dict.fromkeys(NUMBERS, 7)))


def _network(path: Path) -> Any:
    return orbicyte.load(path / "runs" / RUN, "cpu").embed(IMAGES)


def _classifier(path: Path) -> Any:
    classifier = load_classifier(path / "runs" / RUN / "classifier")
    x = np.random.default_rng(1).normal(size=(5, classifier.size))
    distance = classifier.distance(x)
    outside = classifier.out_of_distribution(distance, distance)
    return classifier.classes, classifier.probabilities(x), distance, outside, classifier.card, classifier.limits


def _store(path: Path) -> Any:
    store = PatchStore.open(path / "patches")
    about = (store.view_px, store.mpp, store.fill_rgb, store.fingerprint, store.skipped, store.duplicates, store.source)
    return store.images[:], store.cells.to_csv(), about


def _report(path: Path) -> Any:
    inputs = read(Study.open(path))
    runs = [(run.record, run.evaluation, None if run.log is None else run.log.to_csv()) for run in inputs.runs]
    arrays = [{name: array.tolist() for name, array in run.arrays().items()} for run in inputs.runs]
    return inputs.rows.to_csv(), runs, arrays


def _slide(path: Path) -> Any:
    study = Study.open(path)
    return read_cells(study, "a").to_csv(), read_ids(study, "a"), read_record(study, "a"), read_detection(study, "a")


def _types(path: Path) -> Any:
    study = Study.open(path)
    table = read_types(study)
    assert table is not None
    return table.to_csv(), predicted_by(study), predicted_types(study, "a"), confusion_elsewhere(study)


def _counts(path: Path) -> Any:
    table = read_counts(Study.open(path))
    return None if table is None else table.to_csv()


READ: dict[str, Callable[[Path], Any]] = {
    "study.json": lambda path: Study.open(path).id,
    "patches/store.json": _store,
    "patches/cells.parquet": _store,
    "patches/images.npy": _store,
    f"runs/{RUN}/run.json": _network,
    f"runs/{RUN}/weights.safetensors": _network,
    f"runs/{RUN}/log.csv": _report,
    f"runs/{RUN}/failed.json": lambda path: failed_runs(Study.open(path)),
    f"runs/{RUN}/classifier/classifier.json": _classifier,
    f"runs/{RUN}/classifier/weights.safetensors": _classifier,
    f"runs/{RUN}/scores/scores.parquet": _report,
    f"runs/{RUN}/scores/evaluation.json": _report,
    f"runs/{RUN}/scores/arrays.npz": _report,
    "types.parquet": _types,
    "counts.parquet": _counts,
    "slides/a/slide.json": _slide,
    "slides/a/detection.json": _slide,
    "slides/a/cells.parquet": _slide,
    "slides/b/failed.json": lambda path: failures(Study.open(path)),
    "review/classes.json": lambda path: chosen_classes(Study.open(path)),
}
"""What depends on each file of the study."""


def outcome(path: Path, file: str) -> bytes:
    """What is read, in a form that can be compared."""
    return pickle.dumps(READ[file](path))
