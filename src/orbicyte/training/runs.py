"""The networks to train, and the trained runs of a study."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.files import discard
from orbicyte.study.runs import PRETRAINED, RunFolder, RunRecord
from orbicyte.training.networks import load_variant


def each_network(networks: Sequence[str], weights: Sequence[float], settings: Settings) -> list[tuple[str, float]]:
    """Pairs (network, rotation weight), in the given order; networks without a rotation loss once.

    Raises ``OrbicyteError`` for a network that does not exist, and if there is no network or no weight.
    """
    if not networks or not weights:
        raise OrbicyteError(f"expected at least one network and one weight, got {list(networks)} and {list(weights)}")
    pairs = []
    for name in networks:
        has_weight = load_variant(name, settings, weights[0]).rotation_weight is not None
        pairs += [(name, weight) for weight in (weights if has_weight else weights[:1])]
    return pairs


def trained_runs(study: Study | Path | str) -> list[RunFolder]:
    """All runs whose training has ended; warns about the others. Raises ``OrbicyteError`` if there is none."""
    study = Study.of(study)
    runs = finished_runs(study)
    if not runs:
        raise OrbicyteError(f"no trained networks in {study.path}: run 'orbicyte run {study.path}' first")
    return runs


def finished_runs(study: Study) -> list[RunFolder]:
    """All runs whose training has ended, perhaps none; warns about the others."""
    runs = {run: run.done() for run in map(RunFolder, study.runs())}
    for run in (run for run, is_done in runs.items() if not is_done):
        warn(f"{run.name} is left out: its training has not ended; run 'orbicyte train' again to continue")
    return [run for run, is_done in runs.items() if is_done]


def trained_patches(study: Study, run: RunFolder) -> PatchStore:
    """The study's patches, after ``follow_labels``. Raises ``OrbicyteError`` if the run was trained on others."""
    store = PatchStore.open(study.patches)
    if is_trained_on(run.record(), store):
        follow_labels(run, store)
    else:
        made, again = "was trained on", "delete it and train again"
        if run.name == PRETRAINED:
            made, again = "was made for", f"make it again with 'orbicyte train {study.path} --networks {PRETRAINED}'"
        raise OrbicyteError(
            f"{run.path} {made} other patches than {study.patches}, or before cells were labelled, moved or added: "
            f"{again}"
        )
    return store


def is_trained_on(record: RunRecord, store: PatchStore) -> bool:
    """Whether a run was trained on these patches; types of labelled cells may have changed since."""
    if record.data.fingerprint == store.fingerprint:
        return True
    return record.data.learned_from is not None and record.data.learned_from == store.learned_from


def follow_labels(run: RunFolder, store: PatchStore) -> None:
    """If types of labelled cells were changed after the training, record it, and delete scores of the old ones.

    ``run``: trained on the patches of ``store``; this process holds its lock.
    """
    record = run.record()
    if record.data.fingerprint == store.fingerprint:
        return
    print_line(f"{run.name}: types of cells were changed after its training: the network is kept, its scores are not")
    for made in (run.scores, run.embeddings):
        discard(made)
    run.write(replace(record, data=replace(record.data, fingerprint=store.fingerprint)))
