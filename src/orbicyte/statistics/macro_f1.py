"""Macro F1 of predicted types, for many weightings of the cells at once."""

import numpy as np

from orbicyte.arrays import Doubles, Flags, Floats, Rows


def macro_f1(true: Rows, predicted: Rows, fold: Rows, weights: Floats) -> Doubles:
    """Mean over folds of macro F1, as of the measure ``f1/PROBE``, for each of B weightings of M cells: (B,).

    ``true``, ``predicted``, ``fold`` (M,): types as numbers from 0, and the fold of the probe. ``weights`` (M, B), 0 or
    more: how many times each cell counts. F1 of a type in a fold is 2 TP / (2 TP + FP + FN). Left out of the means are
    types without a true cell, in a fold types that are neither true nor predicted, and folds without a cell.
    """
    kinds = np.arange(max(true.max(), predicted.max()) + 1)[:, None]
    parts = [fold == number for number in np.unique(fold)]

    def totals(counted: Flags) -> Floats:
        """Weight of the cells that are ``counted`` as a type (K, M), in each fold: (folds, K, B)."""
        return np.stack([counted[:, part].astype(np.float32) @ weights[part] for part in parts])

    of_type = totals(kinds == true)
    count = (of_type + totals(kinds == predicted)) * (of_type.sum(0) > 0)
    correct = totals((kinds == true) & (true == predicted))
    f1 = np.divide(2 * correct, count, out=np.zeros_like(count), where=count > 0)
    types = (count > 0).sum(1)
    of_fold = f1.sum(1, dtype=np.float64) / np.maximum(types, 1)
    return np.asarray(of_fold.sum(0) / np.maximum((types > 0).sum(0), 1))
