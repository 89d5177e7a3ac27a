"""Tables of the audit: pairs with where both cells are used, contradictory labels, rejected labels, class balance."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from orbicyte.arrays import Flags, Rows
from orbicyte.auditing.duplicates import Pair, groups
from orbicyte.auditing.places import LABELLED
from orbicyte.data.patches import PatchStore

PROBES = ("linear", "mlp")
"""Columns of ``orbicyte.study.predictions`` with the predicted types."""
NOT_USED = "not used"


def pair_table(pairs: Sequence[Pair], store: PatchStore, places: pd.DataFrame) -> pd.DataFrame:
    """One row per pair, in order; ``places`` as of ``places.places``.

    ``first``, ``second``: cells, with ``_file``, ``_label`` and ``_place`` of each; ``group``: number of the set of
    cells that pairs connect; ``exact``; ``similarity``; ``angle_deg``, ``mirrored``, ``shift_x_px``, ``shift_y_px``:
    how the second becomes the first (``registration.Alignment``). True or False: ``between_sets`` (one is labelled),
    ``across_training_folds``, ``across_probe_folds`` (of the labelled cells, or one is in the selection part),
    ``labels_differ``.
    """
    rows = {name: np.array([getattr(pair, name) for pair in pairs], dtype=np.int64) for name in ("first", "second")}
    table = pd.DataFrame(rows)
    for name, at in rows.items():
        for column, values in (("file", store.cells["file"]), ("label", store.cells["label"])):
            table[f"{name}_{column}"] = values.to_numpy(dtype=object)[at]
        table[f"{name}_place"] = places["place"].to_numpy(dtype=object)[at]
    number = {row: i for i, members in enumerate(groups(pairs), 1) for row in members}
    table["group"] = [number[pair.first] for pair in pairs]
    table["exact"] = [pair.exact for pair in pairs]
    for column in ("similarity", "angle_deg", "mirrored"):
        table[column] = [getattr(pair.alignment, column) for pair in pairs]
    for axis, column in enumerate(("shift_x_px", "shift_y_px")):
        table[column] = [pair.alignment.shift[axis] * store.view_px for pair in pairs]
    return table.assign(**_crossings(rows, places, store))


def _crossings(rows: dict[str, Rows], places: pd.DataFrame, store: PatchStore) -> dict[str, Flags]:
    first, second = (places.iloc[rows[name]].reset_index(drop=True) for name in ("first", "second"))
    trained = (first["training_fold"] > 0) & (second["training_fold"] > 0)
    used = (first["part"] != "") & (second["part"] != "")
    probe = (first["part"] != second["part"]) | (first["probe_fold"] != second["probe_fold"])
    labels = [store.cells["label"].iloc[rows[name]].reset_index(drop=True) for name in ("first", "second")]
    crossings = {
        "between_sets": (first["set"] == LABELLED) != (second["set"] == LABELLED),
        "across_training_folds": trained & (first["training_fold"] != second["training_fold"]),
        "across_probe_folds": used & probe,
        "labels_differ": labels[0].notna() & labels[1].notna() & (labels[0] != labels[1]),
    }
    return {name: values.to_numpy(dtype=bool) for name, values in crossings.items()}


def contradictions(pairs: pd.DataFrame, store: PatchStore) -> pd.DataFrame:
    """The labelled cells of each group of duplicates that has more than one label: group, cell, file, label."""
    members = pd.concat([pairs[["group", name]].rename(columns={name: "cell"}) for name in ("first", "second")])
    members = members.drop_duplicates().sort_values(["group", "cell"], ignore_index=True)
    for column in ("file", "label"):
        members[column] = store.cells[column].to_numpy(dtype=object)[members["cell"].to_numpy(dtype=np.int64)]
    members = members[members["label"].notna()]
    several = members.groupby("group")["label"].nunique()
    return members[members["group"].isin(several.index[several > 1])].reset_index(drop=True)


def rejected_labels(predictions: pd.DataFrame, store: PatchStore) -> pd.DataFrame:
    """The cells whose label every probe of every network rejects, most likely wrong labels first.

    ``predictions``: as of ``orbicyte.study.predictions``; every cell is predicted by probes that were not fitted on it.
    Columns: ``cell``, ``file``, ``label``; ``predicted``: the most frequent predicted type; ``agreement``: the share of
    predictions with that type; ``confusion``: the share of the predictions of all cells with this label that are that
    type; ``predictions``, ``networks``: how many. Rows are sorted by agreement, then rare confusions come first: types
    that are often confused are hard to tell apart for readers too. Only cells that all networks predicted.
    """
    long = predictions.melt(
        ["network", "rotation_weight", "cell", "type"], list(PROBES), value_name="predicted"
    ).astype({"predicted": str, "type": str})
    long["named"] = long["network"] + " " + long["rotation_weight"].astype(str)
    counts = long.groupby(["cell", "predicted"]).size().rename("votes").reset_index()
    top = counts.sort_values(["votes", "predicted"], ascending=[False, True]).drop_duplicates("cell").set_index("cell")
    cells = long.assign(rejects=long["predicted"] != long["type"]).groupby("cell")
    table = pd.DataFrame(
        {
            "label": cells["type"].first(),
            "predicted": top["predicted"],
            "agreement": top["votes"] / cells.size(),
            "confusion": np.nan,
            "predictions": cells.size(),
            "networks": cells["named"].nunique(),
            "rejects": cells["rejects"].all(),
        }
    )
    table = table[table["rejects"] & (table["networks"] == long["named"].nunique())].drop(columns="rejects")
    shares = long.groupby("type")["predicted"].value_counts(normalize=True)
    table["confusion"] = [shares[pair] for pair in zip(table["label"], table["predicted"], strict=True)]
    table = table.sort_values(["agreement", "confusion"], ascending=[False, True], kind="stable")
    table = table.reset_index(names="cell")
    table.insert(1, "file", store.cells["file"].to_numpy(dtype=object)[table["cell"].to_numpy(dtype=np.int64)])
    return table


def class_balance(store: PatchStore, places: pd.DataFrame) -> pd.DataFrame:
    """Numbers of cells: a row per label, in the selection part, each fold of the test part, and not used for scores."""
    labelled = places["set"] == LABELLED
    names = [
        f"test fold {fold}" if fold else f"{part} part" if part else NOT_USED
        for fold, part in zip(places["probe_fold"][labelled], places["part"][labelled], strict=True)
    ]
    labels = store.cells["label"].to_numpy(dtype=object)[labelled.to_numpy()]
    counts = pd.crosstab(pd.Series(labels, dtype=object), pd.Series(names, dtype=object))
    # Folds have one digit or two: by length, then by name.
    order: list[str] = sorted(map(str, counts), key=lambda name: (name == NOT_USED, len(name), name))
    counts = counts[order]
    return counts.assign(all=counts.sum(axis=1)).rename_axis("label").rename_axis(None, axis=1).reset_index()


def fold_sizes(store: PatchStore, places: pd.DataFrame) -> pd.DataFrame:
    """A row per fold of training: its cells, and slides and patients where known for all of them."""
    used = places["training_fold"] > 0
    folds = store.cells.reset_index(drop=True)[used].groupby(places["training_fold"][used])
    table = pd.DataFrame({"cells": folds.size()})
    for column in ("slide", "patient"):
        if store.cells[column].notna().all():
            table[f"{column}s"] = folds[column].nunique()
    return table.rename_axis("fold").reset_index()
