"""train: one network on one fold of the unlabelled patches -> run folder."""

import math
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from orbicyte.data.folds import Fold, fold_of, group_column, split
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import build
from orbicyte.progress import say
from orbicyte.scores import Run
from orbicyte.settings import Settings
from orbicyte.study import Study, discard, first_process
from orbicyte.training.batches import PatchBatches
from orbicyte.training.fit import fit, newest_checkpoint
from orbicyte.training.module import VAETraining
from orbicyte.training.record import RunRecord
from orbicyte.training.run_folder import RunFolder, load_variant, run_name


def train(
    study: Study | Path | str,
    network: str,
    *,
    rotation_weight: float = 0.5,
    fold: int = 1,
    settings: Settings | None = None,
) -> Path:
    """Train ``network`` (a plug-in of ``orbicyte.variants``) and return its run folder.

    ``rotation_weight``: w of the rotation loss (paper 2.4: 0.2, 0.5, 0.9), ignored by networks without one; ``fold``:
    1 to ``settings.folds``. A finished run is left alone; one that was cut off goes on from its last finished epoch.
    Raises ``OrbicyteError`` if the run folder holds a run of other settings or data.
    """
    study, settings = Study.of(study), settings or Settings()
    with study.lock():
        store = PatchStore.open(study.patches)
        variant = load_variant(network, settings, rotation_weight)
        run = Run(network, variant.rotation_weight, settings.seed, fold)
        folder = RunFolder(study.run(run_name(run)))
        cells = training_fold(store, settings, fold)
        view = View(store.side_px, store.field_px, settings.network.size_px, store.fill_rgb)
        vae = build(variant, settings.network, store.fill_rgb, settings.seed)
        record = _record(run, settings, view, store, cells, sum(p.numel() for p in vae.parameters()))
        if _finished(folder, record):
            return folder.path
        log = RunRecord(folder, vae, f"validation_{settings.training.monitor}")
        batches = PatchBatches(store.images, cells.train, cells.validation, settings.training.batch_size, settings.seed)
        start = time.monotonic()
        trainer = fit(VAETraining(vae, variant, view, settings), batches, log, settings.training)
        if trainer.is_global_zero:
            device, seconds = str(trainer.strategy.root_device), time.monotonic() - start
            ended = _ending(log, settings, device, seconds, record["data"]["labels_ignored"])
            folder.write({**record, **ended, "state": "done"})
            discard(folder.resume)
            say(f"{folder.path.name}: best of {len(log.rows)} epochs was {int(log.best()['epoch'])}")
    return folder.path


def training_fold(store: PatchStore, settings: Settings, fold: int) -> Fold:
    """Rows of the store that train, stop and test the networks of this fold.

    They are the unlabelled cells; where all cells have a label, all cells (their labels are not used).
    Raises ``OrbicyteError`` for a fold that does not exist or too few cells.
    """
    check_fold(fold, settings)
    rows = learning_rows(store)
    _, groups = group_column(store.cells.iloc[rows])
    numbers = split(groups, len(rows), settings.folds, settings.seed)
    parts = fold_of(numbers, fold)
    return Fold(rows[parts.train], rows[parts.validation], rows[parts.test])


def check_fold(fold: int, settings: Settings) -> None:
    """Raise ``OrbicyteError`` for a fold that does not exist."""
    if not 1 <= fold <= settings.folds:
        raise OrbicyteError(f"--fold goes from 1 to {settings.folds} (--folds), got {fold}")


def learning_rows(store: PatchStore) -> NDArray[np.int64]:
    """The rows that representations are learned from."""
    return store.unlabelled if len(store.unlabelled) else store.labelled


def _record(
    run: Run, settings: Settings, view: View, store: PatchStore, cells: Fold, parameters: int
) -> dict[str, Any]:
    return {
        "state": "training",
        **asdict(run),
        "settings": settings.model_dump(mode="json"),
        "view": {**asdict(view), "fill_rgb": list(view.fill_rgb)},
        "mpp": store.mpp,
        "parameters": parameters,
        "data": {
            "fingerprint": store.fingerprint,
            "train": len(cells.train),
            "validation": len(cells.validation),
            "test": len(cells.test),
            "labels_ignored": not len(store.unlabelled),
        },
        "versions": {name: version(name) for name in ("orbicyte", "torch", "lightning", "numpy")},
        "threads": torch.get_num_threads(),
    }


def _finished(folder: RunFolder, record: dict[str, Any]) -> bool:
    """Whether the run is done; if not, tells whether it begins or goes on. Where it begins, writes its ``run.json``."""
    name, done, checkpoint = folder.path.name, folder.done(), newest_checkpoint(folder.resume)
    if done or checkpoint:
        _require_same(folder, record)
    if not first_process():
        return done
    if done:
        discard(folder.resume)
        say(f"{name}: already trained")
    elif checkpoint:
        say(f"{name}: goes on after epoch {int(checkpoint.stem.removeprefix('epoch=')) + 1}")
    else:
        folder.write(record)
        say(f"training {name} on {record['data']['train']} cells")
    return done


def _require_same(folder: RunFolder, record: dict[str, Any]) -> None:
    """The evaluation's settings may change without training again; nothing else may."""
    old, new = folder.record(), record
    if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
        raise OrbicyteError(
            f"{folder.path} was trained on other patches, or before cells were named, moved or added: delete that "
            "folder to train again, or choose another --out; 'orbicyte classify STUDY' goes on with it as it is"
        )
    # Settings that came after the run was trained are its preset's.
    before, after = _flat(folder.settings().model_dump(mode="json")), _flat(new["settings"])
    changed = [f"{name}: {before.get(name)} -> {value}" for name, value in after.items() if before.get(name) != value]
    if changed:
        raise OrbicyteError(
            f"{folder.path} was trained with other settings ({', '.join(changed)}): "
            f"choose another --out, or delete that folder"
        )


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """``section.name`` -> value, without the evaluation's."""
    flat = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    sections = {name: values for name, values in settings.items() if isinstance(values, dict) and name != "evaluation"}
    return flat | {f"{section}.{name}": value for section, values in sections.items() for name, value in values.items()}


def _ending(log: RunRecord, settings: Settings, device: str, seconds: float, labels_ignored: bool) -> dict[str, Any]:
    best, epochs = log.best(), len(log.rows)
    weighted = {name: best[f"validation_{name}"] for name in ("reconstruction", "prior", "rotation")}
    total = sum(weighted.values())
    is_early = epochs < settings.training.max_epochs
    warnings = ["learned from the labelled cells themselves, without their labels: no other cells are there"]
    warnings = warnings if labels_ignored else []
    if not is_early:
        warnings.append(f"training ended with its budget of {epochs} epochs, not by early stopping: more may help")
    return {
        "warnings": warnings,
        "training": {
            "epochs": epochs,
            "best_epoch": int(best["epoch"]),
            "stopped": "early" if is_early else "budget",
            "seconds": round(seconds, 1),
            "device": device,
        },
        "loss_shares": {
            name: value / total if math.isfinite(total) and total else None for name, value in weighted.items()
        },
    }
