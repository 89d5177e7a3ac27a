"""How long the pieces of an experiment take at most, and how much disk they need, from a few steps of each network."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch

from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import measured_cells
from orbicyte.classification.probes import PROBES, fitted
from orbicyte.data.folds import training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.geometry import angles_deg
from orbicyte.models.vae import build
from orbicyte.progress import warn
from orbicyte.settings import Settings
from orbicyte.stages.experiment.pieces import Piece
from orbicyte.text import number_of
from orbicyte.training.batches import PatchBatches
from orbicyte.training.fit import quiet_lightning
from orbicyte.training.module import VAETraining
from orbicyte.training.networks import load_variant

STEPS = 4
"""Steps of each network, of which the first does not count."""
LONGEST_S = 50.0
"""No further step is begun after this time, over all networks together."""
PROBE_CELLS = 400
"""Labelled cells on which the classifiers are timed."""


@dataclass(frozen=True)
class Expected:
    """Of one piece on one worker, at most, with all epochs: seconds, and MB on disk while it runs, and that stay."""

    training_s: float
    evaluation_s: float
    running_mb: float
    kept_mb: float

    def left_s(self, piece: Piece) -> float:
        """Of what is not done of ``piece``: all of it, or the evaluation of a network that is trained."""
        return self.evaluation_s + (0.0 if piece.is_trained() else self.training_s)


class _Timer(L.Callback):
    """Times the steps, and stops after ``LONGEST_S`` of all networks."""

    def __init__(self, until: float) -> None:
        self.until, self.began, self.seconds = until, 0.0, list[float]()

    def on_train_batch_start(self, *_: Any) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self.seconds.append(time.perf_counter() - self.began)
        trainer.should_stop = time.monotonic() > self.until


def expected(store: PatchStore, pieces: list[Piece], threads: int) -> dict[str, Expected]:
    """What each network of ``pieces`` needs for one piece, by its name; takes about a minute, or a step of each.

    Measured in this process with as many ``threads`` as a worker has; early stopping ends most trainings sooner. Warns
    of networks of which no step can be calculated here.
    """
    with limited(threads):
        return _measured(store, pieces)


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """At most ``threads`` threads of torch for the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measured(store: PatchStore, pieces: list[Piece]) -> dict[str, Expected]:
    first: dict[str, Piece] = {}
    for piece in pieces:
        if not piece.is_copied:
            first.setdefault(piece.key.network, piece)
    if not first:
        return {}
    until = time.monotonic() + LONGEST_S
    settings = pieces[0].settings
    labelled = measured_cells(store, settings.evaluation, settings.seed)
    of_probes = _probes_s(labelled, settings) if len(labelled) else 0.0
    share = LONGEST_S / len(first)
    found, unknown = {}, dict[str, list[str]]()
    for number, (name, piece) in enumerate(first.items(), 1):
        try:
            found[name] = _expected(store, piece, labelled, of_probes, until - LONGEST_S + share * number)
        except Exception as error:  # the piece may fail too, and give its reason
            unknown.setdefault(" ".join(str(error).split()) or type(error).__name__, []).append(name)
    for reason, names in unknown.items():
        warn(f"time and disk of {', '.join(names)} are not known, as no step can be calculated here: {reason}")
    return found


def _expected(store: PatchStore, piece: Piece, labelled: LabelledCells, of_probes: float, until: float) -> Expected:
    settings, key = piece.settings, piece.key
    fold = training_fold(store, settings, key.fold)
    view = View(store.side_px, store.view_px, settings.network.size_px, store.fill_rgb)
    variant = load_variant(key.network, settings, key.rotation_weight)
    network = build(variant, settings.network, store.fill_rgb, settings.seed)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    training = settings.training
    batches = PatchBatches(store.images, fold.train, fold.validation, training.batch_size, settings.seed)
    step = _step_s(VAETraining(network, variant, view, settings), batches, settings, until)
    forward = step / training.batch_size / 3  # a step is about three forward passes
    evaluation, angles = settings.evaluation, len(angles_deg(settings.evaluation.angle_step_deg))
    rotated = min(evaluation.cells, len(labelled.test)) + evaluation.cells
    weights_mb = 4e-6 * parameters
    embedded_mb = 8e-6 * len(store) * settings.network.latent_size if piece.embeds else 0.0
    return Expected(
        training_s=step * training.max_epochs * (len(fold.train) + len(fold.validation) / 3) / training.batch_size,
        evaluation_s=forward * (rotated * angles + len(labelled)) + of_probes,
        running_mb=weights_mb * (1 + 2 * 3),  # two checkpoints with Adam's two moments
        kept_mb=weights_mb + embedded_mb + 1.0,  # scores, log and the figures' arrays
    )


def _step_s(module: VAETraining, batches: PatchBatches, settings: Settings, until: float) -> float:
    """Median seconds of a training step."""
    timer = _Timer(until)
    devices = settings.training.model_dump(include={"accelerator", "precision"})
    with tempfile.TemporaryDirectory() as folder, quiet_lightning():
        trainer = L.Trainer(
            **devices,
            devices=1,
            max_steps=STEPS,
            max_epochs=-1,
            limit_val_batches=0,
            callbacks=[timer],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=Path(folder),
        )
        try:
            trainer.fit(module, batches)
        except SystemExit:
            raise KeyboardInterrupt from None  # Lightning converts Ctrl-C to SystemExit
    return float(np.median(timer.seconds[1:] or timer.seconds))


def _probes_s(labelled: LabelledCells, settings: Settings) -> float:
    """Seconds that all probes take, from one fit of each on few cells: the time increases with the number of cells."""
    random = np.random.default_rng(settings.seed)
    some = np.sort(random.permutation(len(labelled))[:PROBE_CELLS])
    x = random.normal(size=(len(some), settings.network.latent_size)).astype(np.float32)
    began = time.perf_counter()
    for probe in PROBES.values():
        fitted(probe, x, labelled[some], settings.seed)
    share = (len(labelled.test) + len(labelled)) * (1 - 1 / settings.evaluation.folds) / len(some)
    return (time.perf_counter() - began) * settings.evaluation.folds * share


def sum_up(pieces: list[Piece], needed: Mapping[str, Expected], workers: int) -> str:
    """``60 runs to do, at most about 5.2 h with 2 at a time; on disk 400 MB, and 24 MB more while they run``."""
    known = [piece for piece in pieces if piece.key.network in needed]
    each = [needed[piece.key.network] for piece in known]
    if not each:
        return f"{number_of(len(pieces), 'run')} to do; time and disk are not known"
    hours = duration(sum(needed[piece.key.network].left_s(piece) for piece in known) / workers)
    kept = sum(piece.kept_mb for piece in each)
    running = workers * max((piece.running_mb for piece in each), default=0.0)
    return (
        f"{number_of(len(pieces), 'run')} to do, at most {hours} with {workers} at a time; on disk {kept:,.0f} MB, and "
        f"{running:,.0f} MB more while they run"
    )


def duration(seconds: float) -> str:
    """In words, rounded: ``about 3.2 h``."""
    return f"about {seconds / 3600:.1f} h" if seconds >= 5400 else f"about {max(1, round(seconds / 60))} min"
