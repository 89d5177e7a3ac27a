"""Measures of the same network in several studies that differ in their settings, over the seeds of each.

    python benchmarks/compare_studies.py equ_hnet STUDY STUDY ...

The studies have the same patches; each has been trained with other settings, with the same seeds and epochs, and
evaluated. Docs: the new and the former defaults of equ_hnet, with

    orbicyte import DATA/pbc --out NEW --max-cells 4000       and a copy of it as FORMER
    orbicyte train NEW --networks equ_hnet --rotation-weights 0.5 --set training.max_epochs=12 --seed 0    then 1, 2
    orbicyte train FORMER ... --set network.harmonic_gate=relu --set network.harmonic_fade=0
        --set network.harmonic_blur_px=0 --set network.harmonic_first_px=7 --set network.harmonic_branch=opposite
    orbicyte evaluate NEW --set evaluation.cells=200          and FORMER

With --labelled DATA/pbc/labelled, it prints F1 of the probes in five folds on all cells of that folder instead, with
the labels in DATA/pbc/labelled.csv: more cells than a study has that was limited with --max-cells, so smaller errors.
No network was trained on them, but they include the selection part.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from orbicyte.arrays import Pixels, Strings
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import PROBES, cross_validated
from orbicyte.data.images import read_patch
from orbicyte.embedding import load
from orbicyte.metrics.f1 import f1_table, macro_f1
from orbicyte.progress import track
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores

MEASURES = ("f1/linear", "f1/mlp", "every_angle_f1/mlp", "movement/standardised", "rotation_kl", "ssim")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--measures", nargs="+", default=MEASURES)
    options = parser.parse_args()
    names = [f"f1/{name}" for name in PROBES] if options.labelled else options.measures
    cells = labelled_images(options.labelled) if options.labelled else None
    print(f"| {options.network} in | seeds | {' | '.join(names)} |")
    print("|---|---|" + "---|" * len(names))
    for study in options.studies:
        runs = [RunFolder(path) for path in Study.open(study).runs()]
        runs = [run for run in runs if run.record().network == options.network]
        values = [values_of(run, options.measures) if cells is None else f1_on(run, *cells) for run in runs]
        summaries = [summary(list(of_seeds)) for of_seeds in zip(*values, strict=True)]
        print(f"| {study.name} | {len(runs)} | {' | '.join(summaries)} |")
    print("\nMean ± standard deviation over the seeds.")
    if cells is not None:
        print(f"Five folds of all {len(cells[1])} labelled cells.")


def values_of(run: RunFolder, measures: Sequence[str]) -> list[float]:
    """The measures of a run."""
    table = read_scores([run.score_table])
    return [value_of(table, name) for name in measures]


def labelled_images(folder: Path) -> tuple[list[Pixels], Strings]:
    """The patches in ``folder`` and their types, from the CSV file of its name beside it."""
    table = pd.read_csv(folder.with_suffix(".csv"))
    images = [read_patch(folder / name) for name in track(table["file"].tolist(), "reading patches")]
    return images, table["label"].to_numpy().astype(str)


def f1_on(run: RunFolder, images: list[Pixels], types: Strings) -> list[float]:
    """Macro F1 of each probe in five folds of ``images``; every image is a group of its own."""
    numbers = np.arange(len(types))
    cells = LabelledCells(numbers, types, numbers.astype(str), "cell", np.zeros(len(types), np.bool_))
    x = load(run.path).embed(images)
    values = []
    for probe in track(list(PROBES.values()), f"probes of {run.name}"):
        folds = cross_validated(probe, x, cells, 5, seed=0)
        truths = [types[fold.test] for fold in folds]
        values.append(macro_f1(f1_table(truths, [fold.probe.predict(x[fold.test]) for fold in folds])))
    return values


def value_of(table: pd.DataFrame, measure: str) -> float:
    """The value over all types and angles of a measure in a table of scores."""
    rows = table[(table["measure"] == measure) & (table["type"] == "") & table["angle_deg"].isna()]
    return float(rows["value"].mean())


def summary(values: list[float]) -> str:
    """Mean ± standard deviation."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
