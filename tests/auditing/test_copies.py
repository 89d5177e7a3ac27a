"""Planted copies are found among synthetic and among real cells, and nothing else is."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted_copies import CHANGES, Copy, changed, found_copies, planted

from orbicyte.arrays import Pixels
from orbicyte.auditing.duplicates import Pair, find_pairs, groups
from orbicyte.auditing.registration import Alignment
from orbicyte.data.images import read_patch
from orbicyte.synthetic import draw, sample_cells, to_image

REAL, REAL_COPIES = 900, 210


@pytest.fixture(scope="module")
def synthetic() -> Pixels:
    return np.stack([np.asarray(to_image(draw(cell, 64))) for cell in sample_cells(160, seed=3)])


@pytest.fixture(scope="module")
def real(data: Path) -> Pixels:
    files = pd.read_csv(data / "pbc" / "labelled.csv")["file"].sample(REAL, random_state=5)
    return np.stack([read_patch(data / "pbc" / "labelled" / file) for file in files])


def among(images: Pixels, copies: list[Copy]) -> list[Pair]:
    everything = np.concatenate([images, np.stack([copy.image for copy in copies])])
    return find_pairs(everything, images.shape[1])


def require_found(images: Pixels, count: int) -> None:
    """At least 99 % of the copies are found, at 99 % precision, with angle and reflection."""
    copies = planted(images, count, seed=1)
    # Whether pairs of real cells are copies is not known: they count as wrong, so there must be few.
    natural = {(pair.first, pair.second) for pair in find_pairs(images, images.shape[1])}
    found, rest = found_copies(among(images, copies), copies, len(images))
    wrong = len(natural) + sum(not related(pair, copies, natural, len(images)) for pair in rest)
    right = sum(pair is not None for pair in found)
    assert right >= 0.99 * count
    assert right >= 0.99 * (right + wrong)
    for copy, pair in zip(copies, found, strict=True):
        if pair is not None:
            require_position(copy, pair.alignment)


def related(pair: Pair, copies: list[Copy], natural: set[tuple[int, int]], cells: int) -> bool:
    """Whether a pair is one of the cells themselves, or of copies of such a pair."""
    first, second = (row if row < cells else copies[row - cells].original for row in (pair.first, pair.second))
    return (min(first, second), max(first, second)) in natural


def require_position(copy: Copy, alignment: Alignment) -> None:
    """From the copy back to its original: the inverse of what was done."""
    mirrored = "mirrored" in copy.changes
    expected = copy.angle_deg if mirrored else -copy.angle_deg
    assert alignment.mirrored == mirrored
    assert abs((alignment.angle_deg - expected + 180) % 360 - 180) < 2
    assert np.hypot(*alignment.shift) < 0.02


def test_copies_among_synthetic_cells(synthetic: Pixels) -> None:
    require_found(synthetic, 84)


@pytest.mark.parametrize(("cells", "copies"), [(8, 3), (12, 4), (30, 7), (30, 28), (60, 56)])
def test_copies_among_few_cells(synthetic: Pixels, cells: int, copies: int) -> None:
    require_found(synthetic[:cells], copies)


@pytest.mark.data
def test_copies_among_real_cells(real: Pixels) -> None:
    require_found(real, REAL_COPIES)


def test_every_change_is_planted(synthetic: Pixels) -> None:
    copies = planted(synthetic, 2 * len(CHANGES), seed=1)
    assert set(Counter(copy.changes for copy in copies).values()) == {2}
    assert all(not np.array_equal(copy.image, synthetic[copy.original]) for copy in copies)


def test_a_copy_with_another_centre_is_found(synthetic: Pixels) -> None:
    random = np.random.default_rng(0)
    moved = [np.roll(changed(image, 0, ("rotated",), random).image, (2, -3), (0, 1)) for image in synthetic[:20]]
    pairs = find_pairs(np.concatenate([synthetic, np.stack(moved)]), 64)
    shifts = {(pair.first, pair.second): pair.alignment.shift for pair in pairs}
    assert sum((i, 160 + i) in shifts for i in range(20)) >= 19
    assert np.hypot(*np.transpose(list(shifts.values()))) * 64 == pytest.approx(np.hypot(2, 3), abs=1)


def test_only_the_view_of_patches_with_a_margin_is_compared(synthetic: Pixels) -> None:
    margin = ((0, 0), (16, 16), (16, 16), (0, 0))
    random = np.random.default_rng(0)
    images = np.concatenate([np.pad(synthetic[:40], margin), np.pad(synthetic[:1], margin, constant_values=255)])
    images[40, :16] = random.integers(0, 255, (16, 96, 3))
    assert [(pair.first, pair.second, pair.exact) for pair in find_pairs(images, 64)] == [(0, 40, False)]


def test_equal_patches_are_exact_and_cells_with_many_copies_are_connected(synthetic: Pixels) -> None:
    random = np.random.default_rng(0)
    copies = [changed(synthetic[5], 5, ("mirrored", "rotated"), random).image for _ in range(12)]
    images = np.concatenate([synthetic[:40], synthetic[7:8], synthetic[7:8], np.stack(copies)])
    pairs = find_pairs(images, 64)
    assert [(pair.first, pair.second) for pair in pairs if pair.exact] == [(7, 40), (7, 41)]
    assert groups(pairs) == [[5, *range(42, 54)], [7, 40, 41]]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_or_empty_patches_have_no_pairs(count: int) -> None:
    grey = np.array([200, 150], np.uint8)[:count]
    assert find_pairs(np.tile(grey[:, None, None, None], (1, 32, 32, 3)), 32) == []
