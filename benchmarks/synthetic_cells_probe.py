"""How well colours alone, and shapes, predict the type of synthetic cells.

Prints the macro F1 of two classifiers, with five folds grouped by slide. The cells are useful for training only if the
colour histograms are well below the features of the shape of cell and nucleus.

python benchmarks/synthetic_cells_probe.py [--cells 1000] [--seed 0]
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from orbicyte.synthetic import Drawing, draw, sample_cells

Floats = NDArray[np.float64]


def joint_histogram(drawing: Drawing) -> Floats:
    """8 x 8 x 8 bins of RGB over the patch, square roots of the shares."""
    counts, _ = np.histogramdd(drawing.image.reshape(-1, 3), bins=8, range=[(0, 1)] * 3)
    return np.asarray(np.sqrt(counts.ravel() / counts.sum()))


def channel_histograms(drawing: Drawing) -> Floats:
    """32 bins of each channel over the patch, square roots of the shares."""
    counts = [np.histogram(drawing.image[..., c], bins=32, range=(0, 1))[0] for c in range(3)]
    return np.asarray(np.sqrt(np.concatenate(counts) / drawing.image[..., 0].size))


def border_histogram(drawing: Drawing) -> Floats:
    """As the joint histogram, of the outermost 8 pixels only: the information in the background."""
    frame = np.ones(drawing.image.shape[:2], bool)
    frame[8:-8, 8:-8] = False
    counts, _ = np.histogramdd(drawing.image[frame], bins=8, range=[(0, 1)] * 3)
    return np.asarray(np.sqrt(counts.ravel() / counts.sum()))


def shapes(drawing: Drawing) -> Floats:
    """Sizes and shapes of cell and nucleus from the masks, without colour."""
    masks = (drawing.cell_mask, drawing.nucleus_mask)
    cell, nucleus = (regionprops(m.astype(np.uint8))[0] for m in masks)  # type: ignore[no-untyped-call]
    width = distance_transform_edt(drawing.nucleus_mask)
    return np.array([
        np.sqrt(cell.area), np.sqrt(nucleus.area), nucleus.area / cell.area, nucleus.solidity, nucleus.eccentricity,
        nucleus.perimeter**2 / nucleus.area, nucleus.extent, nucleus.euler_number, cell.solidity, cell.eccentricity,
        np.hypot(*np.subtract(cell.centroid, nucleus.centroid)), width.max(), width[drawing.nucleus_mask].mean(),
        width[drawing.nucleus_mask].std(), *np.log10(np.abs(nucleus.moments_hu[:3]) + 1e-9),
    ])  # fmt: skip


def shapes_and_colours(drawing: Drawing) -> Floats:
    """The shapes, with mean and standard deviation of the colours of nucleus, cytoplasm and surroundings."""
    plasma = drawing.cell_mask & ~drawing.nucleus_mask
    parts = [drawing.image[m] for m in (drawing.nucleus_mask, plasma, ~drawing.cell_mask)]
    return np.concatenate([shapes(drawing), *(np.r_[p.mean(0), p.std(0)] for p in parts)])


def main() -> None:
    """Make cells, fit the classifiers, print the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    cells = list(sample_cells(options.cells, options.seed))
    drawings = [draw(cell) for cell in cells]
    print(f"{len(cells)} synthetic cells of 128 px, {(time.perf_counter() - start) / len(cells) * 1e3:.1f} ms per cell")
    labels, slides = np.array([c.cell_type for c in cells]), np.array([c.slide.name for c in cells])
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    forest = RandomForestClassifier(300, random_state=0)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    print(f"{'macro F1, folds by slide':32}{'linear':>8}{'forest':>8}")
    for features in (border_histogram, joint_histogram, channel_histograms, shapes, shapes_and_colours):
        x = np.stack([features(d) for d in drawings])
        scores = [
            f1_score(labels, cross_val_predict(probe, x, labels, groups=slides, cv=folds), average="macro")
            for probe in (linear, forest)
        ]
        print(f"{features.__name__.replace('_', ' '):32}" + "".join(f"{score:8.3f}" for score in scores))


if __name__ == "__main__":
    main()
