"""detector train: train the detector on a study's reviewed cells, and evaluate it on held-out ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch

from orbicyte.detection.detector import Detector
from orbicyte.detection.matching import Tally
from orbicyte.detection.microscope_fields import MicroscopeField, pieces, synthetic_fields
from orbicyte.detection.reviewed import Parts, scored, split, windows
from orbicyte.detection.training import SIDE_PX, Schedule, Source, train
from orbicyte.detection.weight_files import CONFIG, SHIPPED, Config, read_detector, write_detector
from orbicyte.devices import device_of
from orbicyte.progress import print_line
from orbicyte.review.cells import reviewed_cells
from orbicyte.slides.reader import SlideReader, open_slide
from orbicyte.study import Study
from orbicyte.study.files import check_writable
from orbicyte.study.slides import read_record

STEPS = 300
RATE = 5e-4
OWN, SYNTHETIC = 0.7, 0.3
"""Shares of the user's microscope fields and of synthetic ones, which prevent that earlier training is lost."""
SYNTHETIC_SMEARS = 40


def train_detector(
    study: Study | Path | str,
    out: Path | str | None = None,
    *,
    detector: Path | str | None = None,
    steps: int = STEPS,
    device: str | None = None,
    seed: int = 0,
) -> tuple[Tally, Tally]:
    """Train ``detector`` (default: the one shipped with orbicyte) on a study's reviewed cells; write it to ``out``.

    ``out``: by default the folder ``detector`` in the study. Returns the scores on held-out cells before and after.
    Raises ``OrbicyteError`` if too few cells were checked, or a slide cannot be read.
    """
    study = Study.of(study)
    out = study.path / "detector" if out is None else Path(out)
    before = SHIPPED if detector is None else Path(detector)
    network, config, _ = read_detector(before)
    check_writable(out / CONFIG)
    with study.lock():
        cells = reviewed_cells(study)
        parts = split(cells, 2 * SIDE_PX * config.mpp / 2, seed)
        own = Source.of(_own(study, parts, config.mpp / 2, seed), OWN)
        print_line(f"training on {len(own.stack)} microscope fields; held out: {parts.held_out}")
        synthetic = synthetic_fields(SYNTHETIC_SMEARS, 4, 2 * SIDE_PX * config.mpp / 2, config.mpp / 2, seed + 1)
        other = Source.of((part for field in synthetic for part in pieces(field, 2 * SIDE_PX)), SYNTHETIC)
        torch.manual_seed(seed)
        schedule = Schedule(steps, rate=RATE)
        trained = train(network.to(device_of(device)), [own, other], schedule, seed, _print_loss(steps)).cpu()
        how = {"command": "orbicyte detector train", "seed": seed, "steps": steps, "began_with": config.trained}
        write_detector(out, trained, Config(config.widths, config.mpp, config.separation, how))
        first, then = (_score(study, Detector.load(folder, device), parts.score) for folder in (before, out))
    _print_comparison(first, then, out)
    return first, then


def _own(study: Study, parts: Parts, mpp: float, seed: int) -> Iterator[MicroscopeField]:
    for slide, cells in parts.learn.groupby("slide"):
        with _opened(study, str(slide)) as reader:
            yield from windows(reader, cells, 2 * SIDE_PX, mpp, seed)


def _score(study: Study, detector: Detector, cells: pd.DataFrame) -> Tally:
    tally = Tally()
    for slide, of_slide in cells.groupby("slide"):
        with _opened(study, str(slide)) as reader:
            tally += scored(detector, reader, of_slide)
    return tally


def _opened(study: Study, slide: str) -> SlideReader:
    record = read_record(study, slide)
    return open_slide(record.path, record.mpp, record.value_range)


def _print_loss(steps: int) -> Callable[[int, object, float], None]:
    def after(step: int, _: object, loss: float) -> None:
        print_line(f"step {step} of {steps}: loss {loss:.4f}")

    return after


def _print_comparison(before: Tally, after: Tally, out: Path) -> None:
    difference = after.f1 - before.f1
    word = "better" if difference > 0 else "equal" if difference == 0 else "worse"
    advice = f"use it with 'orbicyte detect --detector {out}'" if difference > 0 else "keep the current detector"
    print_line(f"F1 on {after.truth} held-out cells: {before.f1:.3f} before, {after.f1:.3f} after: {word}; {advice}")
