"""Which copies of cells 'orbicyte audit' finds: planted ones, and those that a set of patches contains anyway.

    python benchmarks/planted_copies.py STUDY --set unlabelled --copies 1000

Copies of sampled cells are rotated by any angle, mirrored, recompressed as JPEG, made brighter or darker, and all
together, and planted among all cells of one set of the study. Printed are, of the copies: the share found, and the
lowest similarity; of all other pairs that were registered: their similarity, highest first. The threshold
``orbicyte.auditing.duplicates.SIMILAR`` is between the pairs of one cell and the others among the unlabelled cells of
the development data (``pbc``), all of which were looked at near the threshold; the labelled cells then check it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.auditing import duplicates
from orbicyte.auditing.duplicates import Pair, find_pairs
from orbicyte.data.patches import PatchStore
from orbicyte.study import Study

CHANGES = (
    ("rotated",),
    ("mirrored",),
    ("recompressed",),
    ("brightness",),
    ("rotated", "recompressed"),
    ("mirrored", "rotated", "brightness"),
    ("mirrored", "rotated", "brightness", "recompressed"),
)


@dataclass(frozen=True)
class Copy:
    """A changed copy: ``original`` is the row of its cell; mirrored left to right, then rotated counter-clockwise."""

    image: Pixels
    original: int
    changes: tuple[str, ...]
    angle_deg: float


def changed(image: Pixels, original: int, changes: tuple[str, ...], random: np.random.Generator) -> Copy:
    """A copy of ``image`` (S, S, 3) with ``changes``; the corners that a rotation uncovers are black."""
    angle, copy = 0.0, Image.fromarray(image)
    if "mirrored" in changes:
        copy = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if "rotated" in changes:
        angle = float(random.uniform(0, 360))
        copy = copy.rotate(angle, Image.Resampling.BICUBIC)
    if "brightness" in changes:
        shift = random.choice([-1, 1]) * random.uniform(8, 25)
        copy = Image.fromarray(np.clip(np.asarray(copy) + shift, 0, 255).astype(np.uint8))
    if "recompressed" in changes:
        file = BytesIO()
        copy.save(file, "JPEG", quality=int(random.integers(65, 76)))
        copy = Image.open(file)
    return Copy(np.asarray(copy), original, changes, angle)


def planted(images: Pixels, count: int, seed: int) -> list[Copy]:
    """Copies of ``count`` different ``images`` (N, S, S, 3), in turn with each of CHANGES."""
    random = np.random.default_rng(seed)
    rows = random.choice(len(images), count, replace=False)
    return [changed(images[row], int(row), CHANGES[i % len(CHANGES)], random) for i, row in enumerate(rows)]


def found_copies(pairs: Sequence[Pair], copies: Sequence[Copy], cells: int) -> tuple[list[Pair | None], list[Pair]]:
    """The pair of each copy with its original, None if not found, and the pairs of others; copies follow ``cells``."""
    by_rows = {(pair.first, pair.second): pair for pair in pairs}
    wanted = [(copy.original, cells + i) for i, copy in enumerate(copies)]
    rest = [pair for pair in pairs if (pair.first, pair.second) not in set(wanted)]
    return [by_rows.get(rows) for rows in wanted], rest


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--set", choices=["labelled", "unlabelled"], default="unlabelled")
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    store = PatchStore.open(Study.open(args.study).patches)
    images = store.images[getattr(store, args.set)]
    copies = planted(images, args.copies, args.seed)
    similar, duplicates.SIMILAR = duplicates.SIMILAR, -1.0  # to list the pairs below it too
    everything = find_pairs(np.concatenate([images, np.stack([copy.image for copy in copies])]), store.view_px)
    found, rest = found_copies(everything, copies, len(images))
    print(f"{len(images):,} {args.set} cells, {len(copies):,} copies, threshold {similar}")
    print(f"{'copies':48s} {'planted':>7s} {'found':>7s} {'lowest similarity':>18s}")
    for changes in CHANGES:
        of_kind = [pair for copy, pair in zip(copies, found, strict=True) if copy.changes == changes]
        values = [pair.alignment.similarity if pair else 0.0 for pair in of_kind]
        share = np.mean(np.array(values) >= similar)
        print(f"{', '.join(changes):48s} {len(values):7d} {share:7.1%} {min(values):18.3f}")
    # A cell with a copy in the set is in a pair with the copy of that cell too.
    among = [pair for pair in rest if pair.second < len(images)]
    print("highest similarity of pairs among the cells themselves:")
    print(" ".join(f"{pair.alignment.similarity:.3f}" for pair in among[:16]))


if __name__ == "__main__":
    main()
