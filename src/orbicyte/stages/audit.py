"""audit: patches, labels and predictions of a study -> copies and doubtful labels, as tables and a page."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Floats
from orbicyte.auditing.confounders import confounders
from orbicyte.auditing.duplicates import find_pairs
from orbicyte.auditing.findings import Audit
from orbicyte.auditing.page import render
from orbicyte.auditing.places import places
from orbicyte.auditing.tables import class_balance, contradictions, fold_sizes, pair_table, rejected_labels
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.presets import quick
from orbicyte.settings import Settings
from orbicyte.stages.experiment.feasible import feasible
from orbicyte.stages.experiment.results import kept_results
from orbicyte.study import Study
from orbicyte.study.files import discard, replacing
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import PRETRAINED, RunFolder
from orbicyte.study.scores import CONSTANT, learned_nothing, read_scores
from orbicyte.text import examples_of


def audit(study: Study | Path | str, results: Path | str | None = None) -> Audit:
    """Look for copies, contradictory and doubtful labels and confounders; write ``audit.html`` and return all tables.

    ``audit/*.csv`` has the tables too (``orbicyte.auditing.tables``, ``orbicyte.auditing.confounders``). Folds are
    those of the study's runs, or of the default settings if nothing is trained. Labels are compared with the
    predictions of all runs that have some, and whose network learned something; ``results``: a folder with results of
    other runs, as of ``experiment``. Takes no lock: each file is replaced atomically. Raises ``OrbicyteError`` if there
    are no patches, or no results in that folder.
    """
    study = Study.of(study)
    store = PatchStore.open(study.patches)
    runs, notes = _runs(study, store, None if results is None else Path(results))
    settings = _settings(runs) or feasible(store, quick())
    where, unknown = places(store, settings)
    pairs = pair_table(find_pairs(store.images, store.view_px), store, where)
    nothing = [run for run in runs if _learned_nothing(run)]
    if nothing:
        notes.append(
            f"labels were not compared with the predictions of {examples_of([run.name for run in nothing])}: "
            "the network learned almost nothing"
        )
    predictions = read_predictions(run.predictions for run in runs if run not in nothing)
    if predictions.empty and len(store.labelled):
        notes.append(
            f"labels were not compared with predictions, as no {'other ' if nothing else ''}run has any: "
            f"'orbicyte run {study.path}' trains networks, with --networks {PRETRAINED} it takes minutes"
        )
    own = [run for run in runs if run.weights.exists()]
    if store.cells["slide"].notna().any() and (unembedded := [run.name for run in own if not run.embeddings.exists()]):
        notes.append(
            f"slides were not predicted from the representations of {', '.join(unembedded)}, as these are not written: "
            f"'orbicyte embed {study.path}' writes them"
        )
    probes, missing = confounders(store, settings, _embeddings(store, runs))
    result = Audit(
        title=study.path.resolve().name,
        store=store,
        pairs=pairs,
        contradictions=contradictions(pairs, store),
        rejected=None if predictions.empty else rejected_labels(predictions, store),
        probes=probes,
        balance=class_balance(store, where),
        folds=fold_sizes(store, where),
        notes=[*notes, *unknown, *missing],
    )
    _write(study, result)
    return result


def _runs(study: Study, store: PatchStore, results: Path | None) -> tuple[list[RunFolder], list[str]]:
    """The finished runs on these patches, of the study and of ``results``, and a note on others."""
    done = [run for run in map(RunFolder, study.runs()) if run.done()]
    if results:
        kept = kept_results(results)
        if not kept:
            raise OrbicyteError(
                f"{results} has no results: expected a folder of 'orbicyte experiment --results', with a folder per run"
            )
        done += [run for run in kept if run.name not in {own.name for own in done}]
    runs = [run for run in done if run.record().data.fingerprint == store.fingerprint]
    old = [run.name for run in done if run not in runs]
    return runs, [f"runs of other patches or labels were left out: {', '.join(old)}"] if old else []


def _learned_nothing(run: RunFolder) -> bool:
    if not run.score_table.exists():
        return False
    constant = read_scores([run.score_table]).set_index("measure")["value"].get(CONSTANT)
    return learned_nothing(constant, run.record().settings.network.latent_size)


def _settings(runs: list[RunFolder]) -> Settings | None:
    """The settings with the folds and the seed that most of the runs have; None without runs."""
    found = [run.record().settings for run in runs]
    common = Counter((settings.folds, settings.seed, settings.evaluation.folds) for settings in found)
    return max(found, key=lambda s: common[s.folds, s.seed, s.evaluation.folds], default=None)


def _embeddings(store: PatchStore, runs: list[RunFolder]) -> dict[str, Floats]:
    """The representations of each run by its name, if the slide of any cell is known."""
    if not store.cells["slide"].notna().any():
        return {}
    from anndata import read_h5ad

    files = {run.name: run.embeddings for run in runs if run.embeddings.exists()}
    found = {name: np.asarray(read_h5ad(path).X, np.float32) for name, path in files.items()}
    return {name: x for name, x in found.items() if len(x) == len(store)}


def _write(study: Study, result: Audit) -> None:
    tables: dict[str, pd.DataFrame | None] = {
        "pairs": result.pairs,
        "contradictions": result.contradictions,
        "rejected_labels": result.rejected,
        "probes": result.probes,
        "class_balance": result.balance,
        "folds": result.folds,
    }
    for name, table in tables.items():
        path = study.audit_tables / f"{name}.csv"
        if table is None:
            discard(path)
            continue
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
    with replacing(study.audit) as temporary:
        temporary.write_text(render(result), encoding="utf-8")
