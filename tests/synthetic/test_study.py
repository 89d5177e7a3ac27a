"""The folder of synthetic cells: its images are the drawings, and its labels are those of the labelled part only."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import FIELD_UM, draw, draw_study, sample_cells, to_image


def test_round_trip(tmp_path: Path) -> None:
    truth = draw_study(str(tmp_path), labelled=20, unlabelled=6, seed=1, size_px=32)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "truth.parquet"), truth)
    assert {p.name for p in tmp_path.iterdir()} == {*truth["file"], "labels.csv", "truth.parquet"}
    labels = pd.read_csv(tmp_path / "labels.csv")
    assert list(labels.columns) == ["file", "label", "slide", "mpp"]
    expected = truth.assign(label=truth["label"].where(truth["labelled"]))
    pd.testing.assert_frame_equal(labels, expected[["file", "label", "slide", "mpp"]])
    assert np.allclose(labels["mpp"], FIELD_UM / 32)
    for i, cell in enumerate(sample_cells(3, seed=1)):
        stored = np.asarray(Image.open(tmp_path / f"labelled_{i:05d}.png"))
        np.testing.assert_array_equal(stored, np.asarray(to_image(draw(cell, 32))))
        assert truth["angle_rad"][i] == pytest.approx(cell.angle_rad)


def test_no_slide_is_in_both_parts() -> None:
    slides = [{cell.slide.name for cell in sample_cells(60, 0, part)} for part in ("labelled", "unlabelled")]
    assert len(slides[0]) == len(slides[1]) == 8
    assert not slides[0] & slides[1]


def test_few_cells_include_every_type_and_many_are_mildly_imbalanced() -> None:
    assert {cell.cell_type for cell in sample_cells(25, 3)} == set(TYPES)
    counts = pd.Series([cell.cell_type for cell in sample_cells(500, 3)]).value_counts()
    assert counts.min() > 35
    assert counts.max() < 70


def test_a_cell_does_not_depend_on_the_number_of_cells() -> None:
    assert list(sample_cells(4, 9)) == list(sample_cells(7, 9))[:4]
    assert next(sample_cells(1, 9)) != next(sample_cells(1, 9, "unlabelled"))


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="labelled"):
        next(sample_cells(1, 0, "test"))
