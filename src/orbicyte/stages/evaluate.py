"""evaluate: outputs of a network on test cells at every angle -> scores, predicted types, arrays of the figures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte import geometry, metrics, plugins
from orbicyte.arrays import Floats, Pixels, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.classification.probes import out_of_fold
from orbicyte.data.folds import Fold, fold_of_run
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder, Embedding, in_chunks
from orbicyte.embedding.rotated import embed_rotated
from orbicyte.errors import OrbicyteError
from orbicyte.metrics.border_f1 import border_colours, border_pixels
from orbicyte.metrics.evidence import Evidence, LabelledEvidence, Pictures
from orbicyte.progress import print_line, track, warn
from orbicyte.settings import EvaluationSettings, Settings
from orbicyte.study import Study
from orbicyte.study.failed_runs import forget_failure
from orbicyte.study.files import discard, replacing
from orbicyte.study.predictions import write_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import (
    CONSTANT,
    MEASURES,
    EvaluationRecord,
    Score,
    check_evaluated,
    learned_nothing,
    read_evaluation,
    write_evaluation,
    write_scores,
)
from orbicyte.text import number_of
from orbicyte.training.runs import trained_patches

EXAMPLES = 12
"""Cells whose reconstructions are stored for the report (paper, Fig. 4)."""
SOFTWARE = ("orbicyte", "torch", "numpy", "scipy", "scikit-learn", "scikit-image")
"""Packages on which the measures depend; their versions are recorded."""
CHUNK = 256
"""Labelled patches that are read at once."""
MAP_CELLS = 2000
"""Cells on the map of the embedding; t-SNE of more takes minutes."""

Embed = Callable[[Pixels, float], Embedding]
"""(N, side, side, 3) stored patches and an angle in radians -> their embedding after rotation by that angle."""


def evaluate(
    study: Study | Path | str,
    run: Path | str,
    evaluation: EvaluationSettings | None = None,
    *,
    device: str | None = None,
) -> Path:
    """Measure ``run``, a run folder of ``study``, with every plug-in of ``orbicyte.metrics``; return the folder of
    its scores.

    ``evaluation``: by default the run's; ``device``: see ``Embedder``. Scores made with the same settings are kept.
    Raises ``OrbicyteError`` for a run that is not trained or was trained on other patches, and for too few labelled
    cells.
    """
    study = Study.of(study)
    folder = RunFolder(study.run(run))
    with study.lock_run(folder.path):
        store = trained_patches(study, folder)
        record = folder.record()
        evaluation = evaluation or record.settings.evaluation
        if is_evaluated(folder, evaluation):
            print_line(f"{folder.name}: already evaluated")
            forget_failure(folder.path)
            return folder.scores
        labelled = measured_cells(store, evaluation, record.settings.seed)
        check_measurable(labelled, evaluation, record.settings.seed)
        embedder = Embedder(folder, device)
        settings = record.settings.model_copy(update={"evaluation": evaluation})
        cells = choose_cells(fold_of_run(store, record), labelled, settings)
        evidence = gather(store, embedder, cells, settings)
        scores: list[Score] = []
        for name in track(plugins.names(metrics), f"measuring {folder.name}"):
            scores += plugins.load(metrics, name, "measure")(evidence)
        _warn_if_collapsed(folder.name, scores, record.settings.network.latent_size)
        # Missing until everything is written, so that incomplete scores are not taken for complete ones.
        discard(folder.evaluation)
        write_scores(folder.score_table, record.key, scores)
        discard(folder.predictions)
        if evidence.labelled is not None:
            write_predictions(folder.predictions, record.key, _predictions(evidence, evidence.labelled, store))
        _write_arrays(store, embedder, cells, evidence)
        write_evaluation(folder.evaluation, _summary(evaluation, cells, evidence))
        discard(folder.rotated)
        forget_failure(folder.path)
    return folder.scores


@dataclass(frozen=True)
class EvaluatedCells:
    """Which cells are measured.

    ``test`` (N,), ``examples`` (E,): rows of the store that are rotated, and whose reconstructions are stored;
    ``test_unlabelled``: how many of ``test`` are the fold's own; ``labelled``: M cells on which typing is measured;
    ``rotated`` (K,): positions among them of those that are rotated.
    """

    test: Rows
    test_unlabelled: int
    examples: Rows
    labelled: LabelledCells
    rotated: Rows

    @property
    def all_rotated(self) -> Rows:
        """The rows of the store that are rotated, sorted: test cells and labelled ones."""
        return np.union1d(self.test, self.labelled.rows[self.rotated])


def choose_cells(fold: Fold, labelled: LabelledCells, settings: Settings) -> EvaluatedCells:
    """The cells that are measured, sampled with the seed: the same for every network that was trained on ``fold``.

    Test cells are the fold's (paper 2.4) and, where those are fewer than ``settings.evaluation.cells``, labelled ones
    of the test part, on which no network was trained either.
    """
    random = np.random.default_rng([settings.seed, 8])
    test_part = random.permutation(labelled.test)
    count = settings.evaluation.cells
    # Where no cell is unlabelled, the network was trained on labelled ones.
    rows = labelled.rows[test_part]
    unseen = rows[~np.isin(rows, np.concatenate([fold.train, fold.validation]))]
    fold_test = random.permutation(fold.test)[:count]
    more = unseen[~np.isin(unseen, fold_test)][: count - len(fold_test)]
    test = np.concatenate([fold_test, more])
    return EvaluatedCells(
        test=test,
        test_unlabelled=len(fold_test),
        examples=(unseen if len(unseen) else test)[:EXAMPLES],
        labelled=labelled,
        rotated=np.sort(test_part[:count]),
    )


def gather(store: PatchStore, embedder: Embedder, cells: EvaluatedCells, settings: Settings) -> Evidence:
    """The outputs of a trained network for the ``cells`` at every angle."""
    angles, test = geometry.angles_deg(settings.evaluation.angle_step_deg), cells.test
    embedded = embed_rotated(embedder.folder.rotated, embedder, store, cells.all_rotated, angles)
    evidence = gathered(store, embedder.embed_stored, cells, settings, embedded)

    def pictures(angle: int, cells: Rows | None = None) -> Pictures:
        some = np.arange(len(test)) if cells is None else cells
        pose = None if evidence.pose_rad is None else evidence.pose_rad[angle, some]
        found = Embedding(evidence.mean[angle, some], evidence.log_variance[angle, some], pose, None)
        return Pictures(*embedder.reconstruct(store.images[test[some]], math.radians(angles[angle]), found))

    return replace(evidence, pictures=pictures)


def gathered(
    store: PatchStore, embed: Embed, cells: EvaluatedCells, settings: Settings, embedded: Embedding
) -> Evidence:
    """The evidence without pictures, from the embeddings of ``cells.all_rotated`` at every angle: (A, N, D), (A, N).

    ``embed``: makes those of the other labelled cells, at angle 0.
    """
    at = np.searchsorted(cells.all_rotated, cells.test)
    return Evidence(
        angles_deg=np.array(geometry.angles_deg(settings.evaluation.angle_step_deg)),
        mean=embedded.mean[:, at],
        log_variance=embedded.log_variance[:, at],
        pose_rad=None if embedded.angle_rad is None else embedded.angle_rad[:, at],
        pictures=no_pictures,
        labelled=_labelled(store, embed, cells, embedded) if len(cells.labelled) else None,
        evaluation=settings.evaluation,
        loss=settings.loss,
        seed=settings.seed,
    )


def no_pictures(angle: int, cells: Rows | None = None) -> Pictures:
    """Raises ``NotImplementedError``: there are no reconstructions."""
    raise NotImplementedError("there are no reconstructions")


def _labelled(store: PatchStore, embed: Embed, cells: EvaluatedCells, embedded: Embedding) -> LabelledEvidence:
    labelled = cells.labelled
    rotated_x = embedded.mean[:, np.searchsorted(cells.all_rotated, labelled.rows[cells.rotated])]
    x = np.empty((len(labelled), embedded.mean.shape[-1]), np.float32)
    x[cells.rotated] = rotated_x[0]
    others = ~np.isin(np.arange(len(labelled)), cells.rotated)
    border = []
    for chunk in track(
        in_chunks(len(labelled), CHUNK), f"embedding {number_of(len(labelled), 'labelled cell')}, parts"
    ):
        images, some = store.images[labelled.rows[chunk]], others[chunk]
        border.append(border_colours(border_pixels(images)))
        if some.any():
            x[chunk][some] = embed(images[some], 0.0).mean
    return LabelledEvidence(labelled, x, np.concatenate(border), cells.rotated, rotated_x)


def _predictions(evidence: Evidence, labelled: LabelledEvidence, store: PatchStore) -> pd.DataFrame:
    """A row per labelled cell of the test part (``orbicyte.study.predictions``)."""
    cells, x = labelled.cells[labelled.cells.test], labelled.x[labelled.cells.test]
    number = store.cells["cell"].to_numpy()[cells.rows]
    groups = number.astype(str) if cells.grouped_by == "cell" else cells.groups
    table = pd.DataFrame({"cell": number, "type": cells.types, "group": groups})
    for name, folds in evidence.probes.items():
        table["probe_fold"], table[name] = out_of_fold(folds, x)
    return table


def _write_arrays(store: PatchStore, embedder: Embedder, cells: EvaluatedCells, evidence: Evidence) -> None:
    inputs, reconstructions = embedder.reconstruct(store.images[cells.examples])
    labelled, seed = evidence.labelled, embedder.record.settings.seed
    shown, x = (cells.test, evidence.mean[0]) if labelled is None else (labelled.cells.rows, labelled.x)
    some = np.sort(np.random.default_rng([seed, 9]).permutation(len(shown))[:MAP_CELLS])
    labels = store.cells["label"].fillna("").to_numpy()[shown[some]].astype(str)
    with replacing(embedder.folder.arrays) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            inputs=inputs,
            reconstructions=reconstructions,
            map_xy=_map(x[some], seed),
            map_cells=shown[some],
            map_types=labels,
            angles_deg=evidence.angles_deg,
        )


def _map(x: Floats, seed: int) -> Floats:
    """A map for the report: t-SNE of representations (M, D), (M, 2); 0 for few cells, and if all have the same one."""
    from sklearn.manifold import TSNE

    centred = x - x.mean(0)
    spread = centred.std()  # t-SNE does not depend on it, but its start divides by it
    if len(x) < 4 or not spread > 0:
        return np.zeros((len(x), 2), np.float32)
    perplexity = min(30.0, (len(x) - 1) / 3)
    xy = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(centred / spread)
    return np.asarray(xy, np.float32)


def _warn_if_collapsed(name: str, scores: Sequence[Score], latent_size: int) -> None:
    """Warn if every dimension is nearly the same for all cells; the report says what may be the reason."""
    constant = next((score.value for score in scores if score.measure == CONSTANT), None)
    if learned_nothing(constant, latent_size):
        warn(
            f"{name}: it learned almost nothing: each of its {latent_size} dimensions is nearly the same for all "
            "cells; see the report"
        )


def is_evaluated(folder: RunFolder, evaluation: EvaluationSettings) -> bool:
    """Whether scores with these settings exist, and predictions where cells are labelled.

    Not if a file is damaged or missing, as evaluating again replaces it.
    """
    if not folder.done() or not folder.evaluation.exists():
        return False
    try:
        record = read_evaluation(folder.evaluation)
        needed = [folder.score_table, *([folder.predictions] if record.labelled_test else [])]
        if not all(file.exists() for file in needed):
            return False
        for file in needed:
            check_evaluated(file)
    except OrbicyteError:
        return False
    return record.settings == evaluation and record.measures == MEASURES


def _summary(evaluation: EvaluationSettings, cells: EvaluatedCells, evidence: Evidence) -> EvaluationRecord:
    labelled = cells.labelled
    return EvaluationRecord(
        settings=evaluation,
        test_cells=len(cells.test),
        test_cells_unlabelled=cells.test_unlabelled,
        labelled=len(labelled),
        labelled_selection=int(labelled.is_selection.sum()),
        labelled_test=len(labelled.test),
        labelled_rotated=len(cells.rotated),
        types_left_out=dict(labelled.left_out),
        grouped_by=labelled.grouped_by,
        angles=len(evidence.angles_deg),
        measures=MEASURES,
        versions={name: version(name) for name in SOFTWARE},
    )
