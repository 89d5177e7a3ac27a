"""evaluate: a run's outputs on test cells, unturned and turned -> scores.parquet and the arrays behind the figures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orbicyte import geometry, metrics, plugins
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.evidence import Evidence, Floats, Labelled, Pictures
from orbicyte.progress import say, track
from orbicyte.scores import Score, write_scores
from orbicyte.settings import EvaluationSettings
from orbicyte.stages.embed import trained_patches
from orbicyte.stages.named import check_evaluable, named_cells
from orbicyte.stages.train import training_fold
from orbicyte.study import Study, discard, read_json, replacing, write_json
from orbicyte.training.run_folder import RunFolder

EXAMPLES = 12
"""Cells whose reconstructions are kept for the report's Fig. 4."""
MAP_CELLS = 2000
"""Cells on the map of the embedding; t-SNE of more takes minutes."""


def evaluate(study: Study | Path | str, run: str, evaluation: EvaluationSettings | None = None) -> Path:
    """Measure the run called ``run`` with every plug-in of ``orbicyte.metrics``; return its folder of scores.

    ``evaluation``: by default as the run was trained. Scores made with the same settings are left alone.
    """
    study = Study.of(study)
    with study.lock():
        folder = RunFolder(study.run(run))
        evaluation = evaluation or folder.settings().evaluation
        if _evaluated(folder, evaluation):
            say(f"{run}: already evaluated")
            return folder.scores
        store = trained_patches(study, folder)
        check_evaluable(store, evaluation, folder.settings().seed)
        embedder = Embedder(folder)
        cells = choose_cells(store, folder, evaluation)
        evidence = gather(store, embedder, cells, evaluation)
        scores: list[Score] = []
        for name in track(plugins.names(metrics), f"measuring {run}"):
            scores += plugins.load(metrics, name, "measure")(evidence)
        # Absent until all is written: then nothing here is taken for what other settings gave.
        discard(folder.scores / "evaluation.json")
        write_scores(folder.scores / "scores.parquet", folder.run(), scores)
        _write_arrays(folder, store, embedder, cells, evidence)
        write_json(folder.scores / "evaluation.json", _summary(evaluation, cells, evidence))
    return folder.scores


@dataclass(frozen=True)
class ChosenCells:
    """Rows of the store: ``test`` cells (N,), ``examples`` for pictures, ``labelled`` cells (M,) and their parts.

    ``choose`` (M,) is True for the part on which choices are made; ``left_out`` tells of types with too few labelled
    cells to be among them; ``turned`` (K,) are positions among the labelled.
    """

    test: NDArray[np.int64]
    test_unlabelled: int
    examples: NDArray[np.int64]
    labelled: NDArray[np.int64]
    types: NDArray[np.str_]
    groups: NDArray[np.str_]
    grouped_by: str
    choose: NDArray[np.bool_]
    left_out: dict[str, int]
    turned: NDArray[np.int64]


def choose_cells(store: PatchStore, folder: RunFolder, evaluation: EvaluationSettings) -> ChosenCells:
    """The cells that are measured, drawn by the run's seed: the same for every network of a fold.

    Test cells are the fold's (paper 2.4) and, where those are fewer than ``evaluation.cells``, labelled ones of the
    report part, which no network was trained on either.
    """
    settings = folder.settings()
    random = np.random.default_rng([settings.seed, 8])
    named = named_cells(store, evaluation, settings.seed)
    labelled = named.rows
    report = random.permutation(np.flatnonzero(~named.choose))
    fold = training_fold(store, settings, folder.run().fold)
    # Where no cell is unlabelled, the network was trained on labelled ones.
    unseen = labelled[report][~np.isin(labelled[report], np.concatenate([fold.train, fold.validation]))]
    fold_test = random.permutation(fold.test)[: evaluation.cells]
    more = unseen[~np.isin(unseen, fold_test)][: evaluation.cells - len(fold_test)]
    test = np.concatenate([fold_test, more])
    return ChosenCells(
        test=test,
        test_unlabelled=len(fold_test),
        examples=(unseen if len(unseen) else test)[:EXAMPLES],
        labelled=labelled,
        types=named.cells.types,
        groups=named.cells.groups,
        grouped_by=named.cells.grouped_by,
        choose=named.choose,
        left_out=named.left_out,
        turned=np.sort(report[: evaluation.cells]),
    )


def gather(store: PatchStore, embedder: Embedder, cells: ChosenCells, evaluation: EvaluationSettings) -> Evidence:
    """Embed the chosen cells at every angle, turned at the stored resolution and then scaled."""
    angles = np.array(geometry.angles_deg(evaluation.angle_step_deg))
    images, labelled_images = store.images[cells.test], store.images[cells.labelled[cells.turned]]
    turns = []
    turned_x = []
    for angle in track(np.radians(angles).tolist(), f"turning {len(images) + len(labelled_images)} cells"):
        turns.append(embedder.stored(images, angle))
        turned_x.append(embedder.stored(labelled_images, angle).mean)
    poses = [turn.angle_rad for turn in turns if turn.angle_rad is not None]

    def pictures(angle: int, cells: NDArray[np.int64] | None = None) -> Pictures:
        chosen = images if cells is None else images[cells]
        return Pictures(*embedder.pictures(chosen, float(np.radians(angles[angle]))))

    return Evidence(
        angles_deg=angles,
        mean=np.stack([turn.mean for turn in turns]),
        log_variance=np.stack([turn.log_variance for turn in turns]),
        pose_rad=np.stack(poses) if poses else None,
        pictures=pictures,
        labelled=_labelled(store, embedder, cells, np.stack(turned_x)) if len(cells.labelled) else None,
        evaluation=evaluation,
        loss=embedder.folder.settings().loss,
        seed=embedder.folder.settings().seed,
    )


def _labelled(store: PatchStore, embedder: Embedder, cells: ChosenCells, turned_x: Floats) -> Labelled:
    images = store.images[cells.labelled]
    return Labelled(
        x=embedder.stored(images).mean,
        types=cells.types,
        groups=cells.groups,
        grouped_by=cells.grouped_by,
        choose=cells.choose,
        border=_border(images),
        turned=cells.turned,
        turned_x=turned_x,
    )


def _border(images: NDArray[np.uint8]) -> Floats:
    """Colours of the patches' outermost pixels, a frame of a sixteenth of the side: (M, B, 3) in [0, 1]."""
    side = images.shape[1]
    width = max(1, side // 16)
    frame = np.ones((side, side), dtype=bool)
    frame[width:-width, width:-width] = False
    return np.asarray(images[:, frame] / np.float32(255), np.float32)


def _write_arrays(
    folder: RunFolder, store: PatchStore, embedder: Embedder, cells: ChosenCells, evidence: Evidence
) -> None:
    inputs, reconstructions = embedder.pictures(store.images[cells.examples])
    known = evidence.labelled
    shown, x = (cells.test, evidence.mean[0]) if known is None else (cells.labelled, known.x)
    random = np.random.default_rng([folder.settings().seed, 9])
    some = np.sort(random.permutation(len(shown))[:MAP_CELLS])
    labels = store.cells["label"].fillna("").to_numpy()[shown[some]].astype(str)
    with replacing(folder.scores / "arrays.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            inputs=inputs,
            reconstructions=reconstructions,
            map_xy=_map(x[some], folder.settings().seed),
            map_cells=shown[some],
            map_types=labels,
            angles_deg=evidence.angles_deg,
        )


def _map(x: Floats, seed: int) -> Floats:
    """Two dimensions for the eye: t-SNE of the representations, (M, 2)."""
    from sklearn.manifold import TSNE

    if len(x) < 4:
        return np.zeros((len(x), 2), np.float32)
    perplexity = min(30.0, (len(x) - 1) / 3)
    xy = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(x)
    return np.asarray(xy, np.float32)


def _evaluated(folder: RunFolder, evaluation: EvaluationSettings) -> bool:
    path = folder.scores / "evaluation.json"
    return folder.done() and path.exists() and read_json(path)["settings"] == evaluation.model_dump(mode="json")


def _summary(evaluation: EvaluationSettings, cells: ChosenCells, evidence: Evidence) -> dict[str, object]:
    return {
        "settings": evaluation.model_dump(mode="json"),
        "test_cells": len(cells.test),
        "test_cells_unlabelled": cells.test_unlabelled,
        "labelled": len(cells.labelled),
        "types_left_out": cells.left_out,
        "choose": int(cells.choose.sum()),
        "report": int((~cells.choose).sum()),
        "turned_report_cells": len(cells.turned),
        "grouped_by": cells.grouped_by,
        "angles": len(evidence.angles_deg),
    }
