"""framed_hnet beside its controls: invariance, F1 and reconstruction at an equal small budget.

    python -m benchmarks.invariance DATA --out FOLDER [--rows ROW ...] [--seeds 0 1 2]     measures what is missing
    python -m benchmarks.invariance DATA --out FOLDER --budget all                         the same on all cells
    python -m benchmarks.invariance --table --out FOLDER [--budget all]                    prints the table
    python -m benchmarks.invariance --short --out FOLDER                                   prints that of the README

DATA (or ORBICYTE_DATA) holds pbc. With the budget ``small`` each network is trained on the same 3,000 unlabelled cells
(of 4,500: a sixth for validation, a sixth for the test), with ``all`` on two thirds of all unlabelled cells; for the
same number of epochs, so all see the same number of cells. ``try`` is a quick try of every row, without meaning. All
rows are measured on the test part of all labelled cells with the measures of ``orbicyte evaluate``. Settings are not
chosen by this table.

Rows that are not trained networks: ``baseline-eight-rotations`` and ``imagenet`` (see ``controls.py``), ``border``
(the colours at the border of the patch only), and ``ceiling`` (trained with labels, see ``ceiling.py``). ``imagenet``
needs ``pip install --constraint constraints.txt --editable '.[imagenet]'``.

A row that is done is a file FOLDER/BUDGET/results/ROW-SEED.json and is not measured again. Trainings that were
interrupted continue after their last epoch.
"""

import argparse
import importlib.util
import os
from dataclasses import asdict
from pathlib import Path

import torch
from benchmarks.invariance.budgets import BUDGETS, Workplace
from benchmarks.invariance.rows import ROWS
from benchmarks.invariance.table import short_table, table

from orbicyte.study.files import write_json


def main() -> None:
    """Measure the rows that are missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", choices=list(BUDGETS), default="small")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), help="default: those of the budget")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    budget, folder = BUDGETS[args.budget], args.out / args.budget
    if args.short:
        print(short_table(folder / "results"))
        return
    if not args.table:
        if args.data is None:
            parser.error("give DATA, or set ORBICYTE_DATA")
        place = Workplace(Path(args.data), folder, budget)
        for seed in args.seeds:
            for name in args.rows or budget.rows or installed_rows():
                path = folder / "results" / f"{name}-{seed}.json"
                if not path.exists():
                    write_json(path, {"row": name, "seed": seed, **asdict(ROWS[name](place, seed))})
    print(table(folder / "results", list(ROWS)))


def installed_rows() -> list[str]:
    """All rows, without ``imagenet`` if its package is not installed."""
    if importlib.util.find_spec("efficientnet_lite_pytorch"):
        return list(ROWS)
    print("imagenet is left out: the extra imagenet is not installed")
    return [name for name in ROWS if name != "imagenet"]


if __name__ == "__main__":
    main()
