"""F1 of colour histograms alone, compared with the networks of a study, on the same cells, folds and probes.

    python benchmarks/colour_histogram.py STUDY

Macro F1 on the test part of the labelled cells, mean of the folds; the F1 of the networks is read from their scores.
"""

import argparse
from pathlib import Path

import numpy as np

from orbicyte.arrays import Floats, Pixels
from orbicyte.classification.labelled import labelled_cells
from orbicyte.classification.probes import PROBES, cross_validated
from orbicyte.classification.splits import select
from orbicyte.data.patches import PatchStore
from orbicyte.metrics.f1 import f1_table, macro_f1
from orbicyte.settings import EvaluationSettings
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores


def main() -> None:
    """Print one line per histogram and probe, then one per network and probe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="the seed that the study was run with")
    args = parser.parse_args()
    study = Study.open(args.study)
    store, evaluation = PatchStore.open(study.patches), EvaluationSettings()
    labelled = labelled_cells(store)
    share = evaluation.selection_share
    is_selection = select(labelled.types, labelled.groups, labelled.grouped_by, share, args.seed)
    test = np.flatnonzero(~is_selection)
    cells = labelled[test]
    for kind, x in histograms(store.images[labelled.rows]).items():
        for name, probe in PROBES.items():
            folds = cross_validated(probe, x[test], cells, evaluation.folds, args.seed)
            predicted = [fold.probe.predict(x[test[fold.test]]) for fold in folds]
            print(f"{kind:28s} {name:7s} {macro_f1(f1_table([cells.types[f.test] for f in folds], predicted)):.3f}")
    scores = read_scores(RunFolder(study.run(folder.name)).score_table for folder in study.runs())
    plain = scores[scores["measure"].isin([f"f1/{name}" for name in PROBES]) & (scores["type"] == "")]
    for row in plain.itertuples():
        print(f"{row.network:28s} {str(row.measure).partition('/')[2]:7s} {row.value:.3f}")


def histograms(images: Pixels) -> dict[str, Floats]:
    """Square roots of shares of pixels of images (N, S, S, 3): (N, bins), without bins that are the same for all.

    8 x 8 x 8 bins of RGB, and 32 bins of each channel.
    """
    count = images.shape[1] * images.shape[2]
    code = (images // 32).astype(np.int64) @ np.array([64, 8, 1])
    together = np.stack([np.bincount(cell.ravel(), minlength=512) for cell in code])
    each = [
        np.concatenate([np.bincount(cell[..., channel].ravel() // 8, minlength=32) for channel in range(3)])
        for cell in images
    ]
    bins = {"8 x 8 x 8 histogram": together, "histogram of each channel": np.stack(each)}
    return {kind: np.sqrt(values[:, values.std(0) > 0] / count).astype(np.float32) for kind, values in bins.items()}


if __name__ == "__main__":
    main()
