"""Pairs of patches that show the same cell, whatever their rotation and reflection.

Candidates are nearest neighbours in the magnitudes of ``rings``, which are compared at all angles; those that are alike
are registered, and confirmed above a similarity. Each cell is searched for as it is, and around points next to its
centre, as two recordings of one cell are seldom centred alike.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from orbicyte.arrays import Floats, Pixels, Rows
from orbicyte.auditing.registration import Alignment, register
from orbicyte.auditing.rings import SIDE_PX, Coefficients, best_angles, coefficients, magnitudes, normalised
from orbicyte.progress import track

SIMILAR = 0.75
"""Similarity above which two patches show the same cell. Between the two groups of candidates among the unlabelled
cells of the development data (``benchmarks/planted_copies.py``, docs/audit.md)."""
CANDIDATE = 0.6
"""Correlation at the best angle from which a candidate is registered: below all pairs of the same cell there."""
COARSE_PX, FINE_PX = 4.0, 2.0
"""Scale of the structure that is compared for candidates, which tolerates small shifts, and for confirmation."""
OFFSETS_PX = tuple(
    (radius * float(np.cos(angle)), radius * float(np.sin(angle)))
    for radius, count in ((0.0, 1), (2.0, 8), (4.0, 8), (6.0, 8))
    for angle in 2 * np.pi * np.arange(count) / count
)
"""Points (x, y), in pixels of SIDE_PX, around which each cell is searched for."""
NEIGHBOURS = 6
FEW_PAIRS = 64**2
"""Of few cells, so many pairs are compared: all of 64 cells. Among few cells, what differs between a cell and its copy
is a large part of the variation, so that its copy is not its nearest neighbour."""
DIMENSIONS = 32
FITTED_ON = 4000
CHUNK = 512


@dataclass(frozen=True)
class Pair:
    """Rows of two patches that show the same cell, the first before the second; ``exact``: all pixels are equal."""

    first: int
    second: int
    alignment: Alignment
    exact: bool = False


def find_pairs(images: Pixels, view_px: int) -> list[Pair]:
    """All pairs among ``images`` (N, S, S, 3), by falling similarity; only the disc of the central ``view_px`` counts.

    Of patches with equal pixels, the first is paired with each other one, and only the first is compared further. Of a
    cell with many copies not all pairs are found, but enough to connect them (``groups``). ``images`` are read in
    chunks; about 25 kB per patch are kept in memory. Time grows with N² where N is large.
    """
    first_rows, exact = _exact(images)
    pairs = [Pair(*rows, Alignment(0.0, False, similarity=1.0), exact=True) for rows in exact]
    if len(first_rows) > 1:
        pairs += _near(images, view_px, first_rows)
    return sorted(pairs, key=lambda pair: (not pair.exact, -pair.alignment.similarity, pair.first, pair.second))


def groups(pairs: Sequence[Pair]) -> list[list[int]]:
    """The sorted rows of each set of patches that pairs connect."""
    group: dict[int, list[int]] = {}
    for pair in pairs:
        first, second = (group.setdefault(row, [row]) for row in (pair.first, pair.second))
        if first is not second:
            first += second
            group.update(dict.fromkeys(second, first))
    return sorted({rows[0]: rows for rows in map(sorted, group.values())}.values())


def _exact(images: Pixels) -> tuple[Rows, list[tuple[int, int]]]:
    """The first row of each set of equal patches, and that row with each of the others."""
    first: dict[bytes, int] = {}
    pairs = []
    for row in range(len(images)):
        seen = first.setdefault(hashlib.sha256(np.ascontiguousarray(images[row]).data).digest(), row)
        if seen != row:
            pairs.append((seen, row))
    return np.array(list(first.values()), dtype=np.int64), pairs


def _near(images: Pixels, view_px: int, rows: Rows) -> list[Pair]:
    chunks = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
    pictures = np.empty((len(rows), SIDE_PX, SIDE_PX), np.float16)
    for i, chunk in enumerate(track(chunks, "reading cells")):
        pictures[i * CHUNK :][: len(chunk)] = normalised(images[chunk], view_px, COARSE_PX)
    candidates = _candidates(pictures)
    found = []
    # On pictures this small, several threads are slower than one.
    with threadpool_limits(1):
        for (a, b), (_, angle, mirrored) in track(candidates.items(), "registering pairs"):
            both = normalised(images[[rows[a], rows[b]]], view_px, FINE_PX)
            alignment = register(both[0], both[1], angle, mirrored)
            if alignment.similarity >= SIMILAR:
                found.append(Pair(int(rows[a]), int(rows[b]), alignment))
    return found


def _candidates(pictures: NDArray[np.float16]) -> dict[tuple[int, int], tuple[float, float, bool]]:
    """Correlation, angle and reflection of the pairs of ``pictures`` that reach CANDIDATE at one of the offsets."""
    starts = range(0, len(pictures), CHUNK)
    stored: Coefficients = np.concatenate([coefficients(pictures[i : i + CHUNK].astype(np.float32)) for i in starts])
    reduce = _Reduction(stored)
    neighbours_of_each = min(len(pictures), max(NEIGHBOURS, FEW_PAIRS // len(pictures)))
    index = NearestNeighbors(n_neighbors=neighbours_of_each, algorithm="brute")
    index.fit(np.concatenate([reduce(stored[i : i + CHUNK]) for i in starts]))
    best: dict[tuple[int, int], tuple[float, float, bool]] = {}
    searches = [(offset, start) for offset in OFFSETS_PX for start in starts]
    for offset, start in track(searches, "comparing cells"):
        around = coefficients(pictures[start : start + CHUNK].astype(np.float32), offset)
        neighbours = index.kneighbors(reduce(around), return_distance=False)
        for pair, match in _alike(around, stored, start, neighbours):
            if match[0] > best.get(pair, (CANDIDATE,))[0]:
                best[pair] = match
    return dict(sorted(best.items()))


def _alike(
    around: Coefficients, stored: Coefficients, start: int, neighbours: Rows
) -> Iterator[tuple[tuple[int, int], tuple[float, float, bool]]]:
    """Pairs of rows, the smaller first, with correlation, angle and reflection, if they reach CANDIDATE."""
    for column in neighbours.T:
        correlation, angle, mirrored = best_angles(around, stored[column])
        for at in np.flatnonzero((correlation >= CANDIDATE) & (column != start + np.arange(len(around)))):
            a, b = start + int(at), int(column[at])
            # From the second to the first is the inverse; a reflection and rotation is its own inverse.
            turn = float(angle[at]) if a < b or mirrored[at] else -float(angle[at]) % 360
            yield (min(a, b), max(a, b)), (float(correlation[at]), turn, bool(mirrored[at]))


class _Reduction:
    """Magnitudes projected on their principal components, with unit variance, so that distances are fast."""

    def __init__(self, stored: Coefficients) -> None:
        some = stored[:: max(1, len(stored) // FITTED_ON)]
        dimensions = min(DIMENSIONS, len(some) - 1)
        self._pca = PCA(dimensions, whiten=True, svd_solver="randomized", random_state=0)
        self._pca.fit(magnitudes(some))

    def __call__(self, found: Coefficients) -> Floats:
        return np.asarray(self._pca.transform(magnitudes(found)), np.float32)
