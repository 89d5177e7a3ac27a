"""train: one network on one fold of the unlabelled patches -> run folder."""

import math
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from orbicyte.data.folds import Fold, training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import build
from orbicyte.progress import position, print_line, warn
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.files import discard
from orbicyte.study.processes import first_process
from orbicyte.study.reading import sha256_of
from orbicyte.study.runs import PRETRAINED, TRAINING, RunFolder, RunKey, RunRecord, TrainingData, TrainingEnd, ViewSizes
from orbicyte.text import number_of
from orbicyte.training.batches import PatchBatches
from orbicyte.training.epoch_log import EpochLog
from orbicyte.training.fit import fit, newest_checkpoint
from orbicyte.training.module import VAETraining
from orbicyte.training.networks import load_variant
from orbicyte.training.runs import follow_labels, is_trained_on
from orbicyte.training.shipped import adopt
from orbicyte.training.unused_settings import unused_settings


def train(
    study: Study | Path | str,
    network: str,
    *,
    rotation_weight: float = 0.5,
    fold: int = 1,
    settings: Settings | None = None,
    device: str | None = None,
) -> Path:
    """Train ``network`` (a plug-in of ``orbicyte.variants``) and return its run folder.

    ``rotation_weight``: w of the rotation loss (paper 2.4: 0.2, 0.5, 0.9), ignored by networks without one; ``fold``:
    1 to ``settings.folds``; ``device``: cpu, cuda, cuda:1, ..., by default that of the settings. A
    finished run is not changed; an interrupted one continues after its last finished epoch.
    The network ``pretrained`` is copied from the package, and nothing is trained.
    Raises ``OrbicyteError`` if the run folder contains a run with other settings or data.
    """
    study, settings = Study.of(study), settings or Settings()
    variant = load_variant(network, settings, rotation_weight)
    key = RunKey(network, variant.rotation_weight, settings.seed, fold)
    run = RunFolder(study.run(PRETRAINED if network == PRETRAINED else key.folder_name))
    with study.lock_run(run.path):
        if network == PRETRAINED:
            return adopt(study, settings).path if first_process() else run.path
        store = PatchStore.open(study.patches)
        cells = training_fold(store, settings, fold)
        view = View(store.side_px, store.view_px, settings.network.size_px, store.fill_rgb)
        vae = build(variant, settings.network, store.fill_rgb, settings.seed)
        record = _record(key, settings, view, store, cells, sum(p.numel() for p in vae.parameters()))
        if _finished(run, record, store):
            return run.path
        log = EpochLog(run, vae, f"validation_{settings.training.monitor}")
        batches = PatchBatches(store.images, cells.train, cells.validation, settings.training.batch_size, settings.seed)
        trainer = fit(VAETraining(vae, variant, view, settings), batches, log, settings.training, device)
        if trainer.is_global_zero:
            run.write(_ended(run.record(), log, str(trainer.strategy.root_device), _digests(run)))
            discard(run.resume)
            print_line(f"{run.name}: best of {number_of(len(log.rows), 'epoch')} was {int(log.best()['epoch'])}")
    return run.path


def _record(key: RunKey, settings: Settings, view: View, store: PatchStore, cells: Fold, parameters: int) -> RunRecord:
    sizes = (len(cells.train), len(cells.validation), len(cells.test))
    return RunRecord(
        **asdict(key),
        state="training",
        settings=settings,
        view=ViewSizes(**vars(view)),
        data=TrainingData(store.fingerprint, *sizes, not len(store.unlabelled), store.learned_from),
        stage_format=TRAINING,
        mpp=store.mpp,
        parameters=parameters,
        versions={name: version(name) for name in ("orbicyte", "torch", "lightning", "numpy")},
        threads=torch.get_num_threads(),
    )


def _finished(run: RunFolder, record: RunRecord, store: PatchStore) -> bool:
    """Whether the run is done; if not, prints whether it starts or continues, and writes ``run.json``."""
    check_same(run, record.settings, store)
    done, checkpoint = run.done(), newest_checkpoint(run.resume)
    if not first_process():
        return done
    if done or checkpoint:
        follow_labels(run, store)
    if done:
        discard(run.resume)
        print_line(f"{run.name}: already trained")
    elif checkpoint:
        epoch = int(checkpoint.stem.removeprefix("epoch=")) + 1
        print_line(f"{run.name}: continues after epoch {epoch}")
        run.write(_continued(run.record(), record, epoch))
    else:
        run.write(record)
        print_line(f"{position()}training {run.name} on {number_of(record.data.train, 'cell')}")
    return done


def _continued(before: RunRecord, now: RunRecord, epoch: int) -> RunRecord:
    """``now`` with the warnings of ``before``, and one if the software or the number of threads has changed since."""
    old, new = (record.versions | {"threads": str(record.threads)} for record in (before, now))
    changed = [
        f"{name} {new[name]} instead of {old[name]}" for name in sorted(old.keys() & new) if old[name] != new[name]
    ]
    if not changed:
        return replace(now, warnings=before.warnings)
    warning = f"training was continued after epoch {epoch} with {', '.join(changed)}"
    warn(f"{now.key.folder_name}: {warning}")
    return replace(now, warnings=[*before.warnings, warning])


def check_same(run: RunFolder, settings: Settings, patches: PatchStore | str) -> None:
    """Raise ``OrbicyteError`` if ``run`` is trained, or its training can be continued, with other settings or data.

    The settings of the evaluation may differ, and those that the network does not use. ``patches``: a store, in which
    types of labelled cells may differ, or its fingerprint.
    """
    if not run.done() and not any(run.resume.glob("*.ckpt")):
        return
    old = run.record()
    if old.stage_format != TRAINING:
        raise OrbicyteError(
            f"{run.path} was trained by a release of orbicyte that trains differently: delete that folder to train "
            "again, or choose another --out"
        )
    same = old.data.fingerprint == patches if isinstance(patches, str) else is_trained_on(old, patches)
    if not same:
        raise OrbicyteError(
            f"{run.path} was trained on other patches, or before cells were labelled, moved or added: to train "
            "it again, delete that folder ('orbicyte experiment --again' does), or use another study; 'orbicyte "
            "classify STUDY' can still use it"
        )
    before, after = _flat(old.settings), _flat(settings)
    changed = [name for name, value in after.items() if before.get(name) != value]
    if changed:
        unused = [unused_settings(old.network, some, old.rotation_weight) for some in (old.settings, settings)]
        changed = [name for name in changed if not all(name in names for names in unused)]
    if changed:
        own = [_option(name, before[name]) for name in changed if name in before]
        texts = [f"{name}: {before.get(name)} -> {after[name]}" for name in changed]
        raise OrbicyteError(
            f"{run.path} was trained with other settings ({', '.join(texts)}): use its settings, {' '.join(own)}; "
            "or, to train it again, delete that folder ('orbicyte experiment --again' does); or use another study"
        )


def _option(name: str, value: Any) -> str:
    """The option that gives a setting this value."""
    if name == "preset":
        return f"--preset {value}"
    return f"--set {name}={','.join(map(str, value)) if isinstance(value, list) else value}"


def _flat(settings: Settings) -> dict[str, Any]:
    """``section.name`` -> value, without the settings of the evaluation."""
    content = settings.model_dump(mode="json", exclude={"evaluation"})
    flat = {name: value for name, value in content.items() if not isinstance(value, dict)}
    sections = {name: values for name, values in content.items() if isinstance(values, dict)}
    return flat | {f"{section}.{name}": value for section, values in sections.items() for name, value in values.items()}


def _digests(run: RunFolder) -> dict[str, str]:
    return {file.name: sha256_of(file) for file in (run.weights, run.log)}


def _ended(record: RunRecord, log: EpochLog, device: str, digests: dict[str, str]) -> RunRecord:
    """``record`` of a run whose training has ended."""
    best, epochs = log.best(), len(log.rows)
    # Rows of a training that began before there was a contrastive loss lack it.
    terms = {name: best.get(f"validation_{name}", 0.0) for name in ("reconstruction", "prior", "rotation", "contrast")}
    weighted = {name: value for name, value in terms.items() if value != 0}
    total = sum(weighted.values())
    training = record.settings.training
    is_early = epochs < training.max_epochs
    warnings = [*record.warnings]
    if record.data.labels_ignored:
        warnings.append("trained on the labelled cells, without their labels: there are no unlabelled cells")
    if not is_early and training.schedule == "constant":
        warnings.append(
            f"training ended after the maximum of {number_of(epochs, 'epoch')}, not by early stopping: more epochs may "
            "help"
        )
    if is_early and training.schedule == "cosine":
        warnings.append(
            f"training stopped after {epochs} of {training.max_epochs} epochs, before the learning rate of the cosine "
            "schedule decreased to 0: a larger training.patience may help"
        )
    return replace(
        record,
        state="done",
        warnings=warnings,
        digests=digests,
        training=TrainingEnd(
            epochs=epochs,
            best_epoch=int(best["epoch"]),
            stopped="early" if is_early else "budget",
            seconds=round(log.seconds, 1),
            device=device,
            cpu_seconds=round(log.cpu_seconds, 1),
        ),
        loss_shares={
            name: value / total if math.isfinite(total) and total else None for name, value in weighted.items()
        },
    )
