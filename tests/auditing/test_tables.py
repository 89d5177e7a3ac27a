"""The tables, from small stores whose pairs, folds and predictions are known."""

import numpy as np
import pandas as pd
import pytest
from tests.auditing.conftest import MakeStore, with_copies

from orbicyte.arrays import Pixels
from orbicyte.auditing.duplicates import Pair, find_pairs
from orbicyte.auditing.places import places
from orbicyte.auditing.registration import Alignment
from orbicyte.auditing.tables import class_balance, contradictions, fold_sizes, pair_table, rejected_labels
from orbicyte.presets import quick
from orbicyte.settings import Settings
from orbicyte.study.predictions import COLUMNS

LABELS = [*(["a", "b"] * 12), *([None] * 24)]


@pytest.fixture
def settings() -> Settings:
    return quick().changed(["folds=3", "evaluation.folds=2"])


def test_each_cell_is_where_it_is_used(cells: Pixels, make_store: MakeStore, settings: Settings) -> None:
    store = make_store(cells, LABELS)
    table, notes = places(store, settings)
    assert notes == []
    assert (table["training_fold"] > 0).tolist() == [label is None for label in LABELS]
    assert fold_sizes(store, table)["cells"].tolist() == [8, 8, 8]
    balance = class_balance(store, table).set_index("label")
    assert balance["all"].to_dict() == {"a": 12, "b": 12}
    assert list(balance) == ["test fold 1", "test fold 2", "selection part", "all"]
    assert balance.drop(columns="all").sum(axis=1).tolist() == [12, 12]
    assert table["place"][30].startswith("unlabelled, fold ")


def test_pairs_have_flags_of_where_both_cells_are(cells: Pixels, make_store: MakeStore, settings: Settings) -> None:
    images = with_copies(cells, [0, 1, 30])
    store = make_store(images, [*LABELS, "b", None, None])
    where, _ = places(store, settings)
    pairs = pair_table(find_pairs(store.images, store.view_px), store, where).set_index("first").sort_index()
    assert pairs.index.tolist() == [0, 1, 30]
    assert pairs["second"].tolist() == [48, 49, 50]
    assert pairs["labels_differ"].tolist() == [True, False, False]
    assert pairs["between_sets"].tolist() == [False, True, False]
    fold, part, probe = (where[name] for name in ("training_fold", "part", "probe_fold"))
    assert pairs["across_training_folds"].tolist() == [False, False, fold[30] != fold[50]]
    assert pairs["across_probe_folds"].tolist() == [(part[0], probe[0]) != (part[48], probe[48]), False, False]
    assert pairs["mirrored"].all()
    assert not pairs["exact"].any()


def test_labels_contradict_within_a_group_even_without_a_pair(cells: Pixels, make_store: MakeStore) -> None:
    store = make_store(cells[:5], ["a", None, "b", "a", "a"])
    where, _ = places(store, quick())
    pairs = [Pair(*rows, Alignment(0, False)) for rows in ((0, 1), (1, 2), (3, 4))]
    table = contradictions(pair_table(pairs, store, where), store)
    assert table[["cell", "file", "label"]].to_numpy().tolist() == [[0, "cell00.png", "a"], [2, "cell02.png", "b"]]
    assert table["group"].nunique() == 1


def predictions(rows: list[tuple[str, int, str, str, str]]) -> pd.DataFrame:
    """From network, cell, label, and the types that the linear probe and the MLP predict."""
    table = pd.DataFrame(rows, columns=["network", "cell", "type", "linear", "mlp"])
    return table.assign(rotation_weight=np.nan, seed=0, fold=1, group="", probe_fold=0)[COLUMNS]


def test_only_labels_that_every_probe_of_every_network_rejects_are_listed(cells: Pixels, make_store: MakeStore) -> None:
    store = make_store(cells[:6], ["a"] * 6)
    rows = [
        *(("first", 0, "a", "b", "c"), ("second", 0, "a", "b", "b")),  # rejected, three of four agree
        *(("first", 1, "a", "b", "b"), ("second", 1, "a", "a", "b")),  # one accepts
        *(("first", 2, "a", "c", "c"), ("second", 2, "a", "c", "c")),  # rejected, all agree
        ("first", 3, "a", "b", "b"),  # not predicted by the second network
    ]
    table = rejected_labels(predictions(rows), store)
    assert table[["cell", "predicted", "agreement"]].to_numpy().tolist() == [[2, "c", 1.0], [0, "b", 0.75]]
    assert table["file"].tolist() == ["cell02.png", "cell00.png"]
    assert table["networks"].tolist() == [2, 2]


def test_rare_confusions_come_first(cells: Pixels, make_store: MakeStore) -> None:
    store = make_store(cells[:5], ["a"] * 5)
    table = predictions([("net", cell, "a", kind, kind) for cell, kind in enumerate("bbcab")])
    rejected = rejected_labels(table, store)
    assert rejected["cell"].tolist() == [2, 0, 1, 4]
    assert rejected["confusion"].tolist() == [0.2, 0.6, 0.6, 0.6]


def test_networks_with_another_weight_are_other_networks(cells: Pixels, make_store: MakeStore) -> None:
    store = make_store(cells[:2], ["a", "a"])
    table = predictions([("net", 0, "a", "b", "b"), ("net", 0, "a", "b", "b"), ("net", 1, "a", "b", "b")])
    rejected = rejected_labels(table.assign(rotation_weight=[0.2, 0.9, 0.2]), store)
    assert rejected["cell"].tolist() == [0]
