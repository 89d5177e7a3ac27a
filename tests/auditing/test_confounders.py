"""Probes that see no cell: colours of the border that do, or do not, give type and slide away."""

import numpy as np
from tests.auditing.conftest import MakeStore

from orbicyte.arrays import Pixels
from orbicyte.auditing.confounders import confounders
from orbicyte.presets import quick

SETTINGS = quick().changed(["evaluation.folds=3"])


def tinted(cells: Pixels, tints: list[int]) -> Pixels:
    """The cells, their blue darkened by ``tints`` (N,)."""
    images = cells.astype(np.int64)
    images[..., 2] -= np.array(tints)[:, None, None]
    return np.clip(images, 0, 255).astype(np.uint8)


def test_a_border_that_gives_the_type_away(cells: Pixels, make_store: MakeStore) -> None:
    labels = ["a", "b"] * 24
    store = make_store(tinted(cells, [60 * (label == "a") for label in labels]), labels)
    table, notes = confounders(store, SETTINGS, {})
    (row,) = table.to_dict("records")
    assert (row["predicts"], row["classes"]) == ("type", 2)
    assert row["f1"] > 0.95
    assert row["majority_f1"] < 0.4
    assert notes == ["slides were not predicted: the slide is not known for any cell (column slide of the labels)"]


def test_a_representation_that_gives_the_slide_away_and_one_that_does_not(cells: Pixels, make_store: MakeStore) -> None:
    slides = [f"s{i % 3}" for i in range(48)]
    random = np.random.default_rng(0)
    noise = random.normal(size=(48, 4)).astype(np.float32)
    known = noise + 5 * np.eye(3, 4, dtype=np.float32)[np.arange(48) % 3]
    store = make_store(tinted(cells, [0] * 48), [None] * 48, slides)
    table, notes = confounders(store, SETTINGS, {"stained": known, "fair": noise})
    f1 = table.set_index("from")["f1"]
    assert (table["predicts"] == "slide").all()
    assert f1["stained"] > 0.95
    assert f1["fair"] < 0.6
    assert notes == ["types were not predicted from the border of the patch: no cell has a label"]


def test_slides_with_too_few_cells(cells: Pixels, make_store: MakeStore) -> None:
    store = make_store(cells[:8], [None] * 8, ["s1"] * 7 + ["s2"])
    _, notes = confounders(store, SETTINGS, {})
    assert "slides were not predicted: expected at least two slides with 3 cells each" in notes
