"""Measures of the same network in several studies that differ in their settings, over the seeds of each.

    python benchmarks/compare_studies.py equ_hnet STUDY STUDY ...

The studies have the same patches; each has been trained with other settings, with the same seeds and epochs, and
evaluated. Docs: the new and the former defaults of equ_hnet, with

    orbicyte import DATA/pbc --out NEW --max-cells 4000       and a copy of it as FORMER
    orbicyte train NEW --networks equ_hnet --rotation-weights 0.5 --set training.max_epochs=12 --seed 0    then 1, 2
    orbicyte train FORMER ... --set network.harmonic_gate=relu --set network.harmonic_fade=0
        --set network.harmonic_blur_px=0 --set network.harmonic_first_px=7 --set network.harmonic_branch=opposite
    orbicyte evaluate NEW --set evaluation.cells=200          and FORMER
"""

import argparse
import statistics
from pathlib import Path

import pandas as pd

from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores

MEASURES = ("f1/linear", "f1/mlp", "every_angle_f1/mlp", "movement/standardised", "rotation_kl", "ssim")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("studies", nargs="+", type=Path)
    options = parser.parse_args()
    print(f"| {options.network} in | seeds | {' | '.join(MEASURES)} |")
    print("|---|---|" + "---|" * len(MEASURES))
    for study in options.studies:
        runs = [RunFolder(path) for path in Study.open(study).runs()]
        runs = [run for run in runs if run.record().network == options.network]
        tables = [read_scores([run.score_table]) for run in runs]
        cells = [summary([value_of(table, name) for table in tables]) for name in MEASURES]
        print(f"| {study.name} | {len(runs)} | {' | '.join(cells)} |")
    print("\nMean ± standard deviation over the seeds.")


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
