"""What happens to cells without a clear angle: the measures of invariance by the confidence of the angle.

    python benchmarks/cells_by_confidence.py DATA [--run RUN_FOLDER] [--cells 600] [--seed 0]

DATA (or ORBICYTE_DATA) holds pbc; the network is the pretrained one, or that of another run folder. The labelled cells
are divided into four groups of equal size by confidence. In each group, on a sample of ``--cells`` of all groups at 12
angles: the share of cells whose angle is right to 10° (circular standard deviation); movement over the spread of all
cells of the invariant part and of the detail part; and the share of cells with one predicted type at all angles. On all
cells: the share of right types. Types are predicted by a linear probe that was not fitted on the cell (five folds).
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from orbicyte.arrays import Floats
from orbicyte.data.images import read_patch
from orbicyte.embedding import Embedder
from orbicyte.geometry import angles_deg
from orbicyte.metrics.pose_consistency import circular_sd_deg
from orbicyte.study.runs import PRETRAINED, RunFolder

GROUPS = ("lowest", "lower", "higher", "highest")
STEP_DEG = 30


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--run", default=PRETRAINED)
    parser.add_argument("--cells", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give DATA, or set ORBICYTE_DATA")
    torch.set_num_threads(1)
    print(table(Path(args.data) / "pbc", Embedder(RunFolder.of(args.run), device="cpu"), args.cells, args.seed))


def table(data: Path, embedder: Embedder, cells: int, seed: int) -> str:
    """One line per group of cells."""
    labels = pd.read_csv(data / "labelled.csv")
    images = embedder.prepare(read_patch(data / "labelled" / name) for name in labels["file"])
    types = labels["label"].to_numpy().astype(str)
    found = embedder.embed_stored(images)
    if found.confidence is None:
        raise SystemExit(f"{embedder.folder.path} is of a network that gives no confidence")
    group = np.searchsorted(np.quantile(found.confidence, (0.25, 0.5, 0.75)), found.confidence)
    some = np.sort(np.random.default_rng(seed).permutation(len(images))[:cells])
    angles = np.array(angles_deg(STEP_DEG))
    rotated = [embedder.embed_stored(images[some], float(angle)) for angle in np.radians(angles)]
    means = np.stack([embedding.mean for embedding in rotated])
    is_right, at_angles = predicted(found.mean, types, some, means, seed)
    deviation = circular_sd_deg(np.stack([e.angle_rad for e in rotated if e.angle_rad is not None]), angles)
    size = embedder.record.settings.network.invariant_size
    columns = {
        "angle right to 10°": deviation < 10,
        "movement, invariant part": moved(means[..., :size], found.mean[:, :size]),
        "movement, detail part": moved(means[..., size:], found.mean[:, size:]),
        "one type at all angles": (at_angles == at_angles[0]).all(0),
    }
    lines = [f"| confidence | cells | right types | cells rotated | {' | '.join(columns)} |"]
    lines.append("|---" * (4 + len(columns)) + "|")
    for number, name in enumerate(GROUPS):
        own, own_rotated = group == number, group[some] == number
        numbers = [f"{np.sqrt(v[own_rotated].mean()):.3f}" if "movement" in c else f"{v[own_rotated].mean():.3f}"
                   for c, v in columns.items()]  # fmt: skip
        low, high = found.confidence[own].min(), found.confidence[own].max()
        lines.append(
            f"| {name}: {low:.2f} to {high:.2f} | {own.sum():,} | {is_right[own].mean():.3f} | {own_rotated.sum()} | "
            f"{' | '.join(numbers)} |"
        )
    return "\n".join(lines)


def moved(rotated: Floats, at_zero: Floats) -> Floats:
    """Squared movement of each rotated cell, mean over angles, relative to the variance of all cells: (K,)."""
    spread = ((at_zero - at_zero.mean(0)) ** 2).sum(1).mean()
    return np.asarray(((rotated[1:] - rotated[0]) ** 2).sum(2).mean(0) / spread)


def predicted(
    x: Floats, types: np.ndarray, some: np.ndarray, rotated: Floats, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether the held-out type of each cell is right (N,), and the held-out types of rotated cells (A, K)."""
    is_right = np.zeros(len(x), bool)
    at_angles = np.empty(rotated.shape[:2], types.dtype)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, types):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(x[train], types[train])
        is_right[test] = probe.predict(x[test]) == types[test]
        own = np.isin(some, test)
        at_angles[:, own] = np.stack([probe.predict(z) for z in rotated[:, own]])
    return is_right, at_angles


if __name__ == "__main__":
    main()
