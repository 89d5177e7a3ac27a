"""Types of all cells of a study: by the classifier of a run, fitted on the cells that have a name.

::

    STUDY/types.parquet     id, slide, type, probability, p_<type>, unlike_training, label, held_out

``id``: the cell's (its file's name in a study of imported patches). ``type``: the likeliest; ``probability``: of it.
``label``: the cell's name when it was typed, or None. ``held_out``: the cell has a name, and was typed by a probe that
was fitted on the other folds, slides kept whole, so that comparing ``type`` and ``label`` is honest. Types of too few
named cells are not learned: they have no ``p_<type>``, and their cells are called something else.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from orbicyte.classifier import Classifier
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells
from orbicyte.progress import say, track, warn
from orbicyte.scores import read_scores
from orbicyte.settings import EvaluationSettings
from orbicyte.stages.classify import CHUNK, fit_on, typed
from orbicyte.stages.cut import cut, has_slides
from orbicyte.stages.named import counted, labelled_cells
from orbicyte.stages.run import trained_runs
from orbicyte.study import Study, replacing
from orbicyte.training.run_folder import RunFolder

FORMAT = 1
CHOSEN_BY = "f1/mlp"


def types_path(study: Study) -> Path:
    """Where the types are."""
    return study.path / "types.parquet"


def classify_study(study: Study | Path | str, run: Path | str | None = None) -> Path:
    """Type every cell of ``study`` with the run ``run`` (its name or folder) and return the table's path.

    Patches are cut first where cells changed, and the classifier is fitted on the names there are now. By default the
    run is the one with the highest F1. The network is used as it is, also where cells were named since it was trained.
    Raises ``OrbicyteError`` without a trained run, for too few named cells, and for patches of other sizes.
    """
    study = Study.of(study)
    with study.lock():
        folder = RunFolder(study.run(Path(run).name if run else chosen_run(study)))
        store = cut(study) if has_slides(study) else PatchStore.open(study.patches)
        embedder = Embedder(folder)
        _check_sizes(store, embedder)
        cells, rows, evaluation = _splittable(labelled_cells(store), store.labelled, folder.settings().evaluation)
        classifier = fit_on(store, cells, rows, embedder, evaluation)
        chunks = range(0, len(store), CHUNK)
        parts = [typed(store.images[at : at + CHUNK], classifier, embedder) for at in track(chunks, "typing cells")]
        table = _table(store, pd.concat(parts, ignore_index=True), classifier, rows)
        _write(types_path(study), table, folder.path.name)
    counts = ", ".join(f"{count} {name}" for name, count in table["type"].value_counts().items())
    say(f"{len(table)} cells: {counts}; {int(table['unlike_training'].sum())} unlike the training set")
    return types_path(study)


def read_types(study: Study) -> pd.DataFrame | None:
    """The types of the study's cells, None where they are not there. Raises ``OrbicyteError`` if they are damaged."""
    path = types_path(study)
    if not path.exists():
        return None
    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise OrbicyteError(f"{path} is damaged ({error}): run 'orbicyte classify {study.path}' again") from error
    return table


def typed_by(study: Study) -> str | None:
    """The run that typed the study's cells."""
    path = types_path(study)
    return str(json.loads(pq.read_schema(path).metadata[b"orbicyte"])["run"]) if path.exists() else None


def chosen_run(study: Study) -> str:
    """The trained run with the highest F1 of the perceptron on the report part; the first where none was evaluated."""
    names = trained_runs(study)
    paths = {name: study.scores(name) / "scores.parquet" for name in names}
    found = {}
    for name in (name for name, path in paths.items() if path.exists()):
        rows = read_scores([paths[name]])
        values = rows.loc[(rows["measure"] == CHOSEN_BY) & (rows["type"] == "") & rows["angle_deg"].isna(), "value"]
        found[name] = float(values.max()) if len(values) else -1.0
    best = max(found, key=lambda name: found[name]) if found else names[0]
    if len(names) > 1:
        why = (
            f"of {len(names)} runs it has the highest F1, {found[best]:.3f}"
            if found
            else "the first, none is evaluated"
        )
        say(f"typing with {best}: {why} (--run chooses another)")
    return best


def _check_sizes(store: PatchStore, embedder: Embedder) -> None:
    view = embedder.view
    of_run = f"{view.side_px} px, field {view.field_px} px, {embedder.mpp} µm per pixel"
    of_store = f"{store.side_px} px, field {store.field_px} px, {store.mpp} µm per pixel"
    if of_run != of_store:
        raise OrbicyteError(
            f"{embedder.folder.path} was trained on patches of {of_run}, but there are patches of {of_store}: cut "
            "them as they were, or train again"
        )
    if store.fingerprint != embedder.folder.record()["data"]["fingerprint"]:
        warn(f"cells were named, moved or added since {embedder.folder.path.name} was trained; it is used as it is")


def _splittable(
    cells: Cells, rows: NDArray[np.int64], evaluation: EvaluationSettings
) -> tuple[Cells, NDArray[np.int64], EvaluationSettings]:
    """Cells that can be learned from, with their rows, in as few folds as their slides allow.

    Types of fewer cells than folds are left out; where two types would not be left, there are fewer folds. They are by
    cell where all named cells are of one slide.
    """
    names, counts = np.unique(cells.types, return_counts=True)
    folds = max(2, min([_most_folds(cells, evaluation.folds), *sorted(counts)[-2:-1]]))
    rare = counts < folds
    if rare.any() and (~rare).sum() > 1:
        told = counted(dict(zip(names[rare], counts[rare], strict=True)))
        warn(
            f"types of fewer than {folds} named cells are not learned: {told}; no cell without a name is called one of "
            "them, and they count by their names alone"
        )
        kept = np.flatnonzero(~np.isin(cells.types, names[rare]))
        cells, rows = cells[kept], rows[kept]
    if cells.grouped_by != "cell" and len(np.unique(cells.groups)) == 1:
        warn(
            f"all named cells are of one {cells.grouped_by}: folds are by cell, and errors may be more frequent than "
            "they seem; name cells of a second one"
        )
        cells = replace(cells, grouped_by="cell")
    return cells, rows, evaluation.model_copy(update={"folds": max(2, min(folds, _most_folds(cells, folds)))})


def _most_folds(cells: Cells, folds: int) -> int:
    """No more folds than slides, of which one alone is parted by cell."""
    groups = len(np.unique(cells.groups))
    return folds if cells.grouped_by == "cell" or groups == 1 else min(folds, groups)


def _table(store: PatchStore, table: pd.DataFrame, classifier: Classifier, learned: NDArray[np.int64]) -> pd.DataFrame:
    """The typed cells as they are kept: the ``learned`` ones as typed by the probe that had not seen them."""
    assert classifier.held_out is not None
    columns = [f"p_{name}" for name in classifier.classes]
    table.loc[learned, columns] = classifier.held_out
    best = table[columns].to_numpy().argmax(1)
    cells = store.cells
    return pd.DataFrame(
        {
            "id": cells["id"].where(cells["id"].notna(), cells["file"]),
            "slide": cells["slide"],
            "type": [classifier.classes[at] for at in best],
            "probability": table[columns].max(axis=1),
            **{name: table[name] for name in (*columns, "unlike_training")},
            "label": cells["label"],
            "held_out": cells["label"].notna(),
        }
    )


def _write(path: Path, table: pd.DataFrame, run: str) -> None:
    content = pa.Table.from_pandas(table, preserve_index=False)
    about = {b"orbicyte": json.dumps({"format": FORMAT, "run": run}).encode()}
    with replacing(path) as temporary:
        pq.write_table(content.replace_schema_metadata({**(content.schema.metadata or {}), **about}), temporary)
