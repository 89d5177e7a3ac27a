"""framed_hnet beside its controls: invariance, F1 and reconstruction at an equal small budget.

    python benchmarks/invariance.py DATA --out FOLDER [--rows ROW ...] [--seeds 0 1 2]     trains what is missing
    python benchmarks/invariance.py --table --out FOLDER                                   prints the table

DATA (or ORBICYTE_DATA) holds pbc. Each network is trained on the same 3,000 unlabelled cells (of 4,500: a sixth for
validation, a sixth for the test) for the same number of epochs, so all see the same number of cells, and evaluated with
``orbicyte.evaluate`` on the test part of all labelled cells. The rows are comparisons: settings are not chosen by this
table. A row that is done is a file FOLDER/ROW-SEED.json, and is not trained again.
"""

import argparse
import json
import os
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from orbicyte.data.images import list_images
from orbicyte.presets import quick
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.train import train
from orbicyte.study.files import replacing, write_json
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores

CELLS = 4500
BUDGET = ["training.max_epochs=6", "training.patience=6", "training.batch_size=64", "training.schedule=cosine"]
BUDGET += ["training.learning_rate=0.002", "network.latent_size=256"]
EVALUATION = ["evaluation.cells=300", "evaluation.angle_step_deg=30"]
MEASURES = {
    "F1 linear": "f1/linear",
    "F1 MLP": "f1/mlp",
    "every-angle F1 MLP": "every_angle_f1/mlp",
    "one type MLP": "one_type/mlp",
    "movement raw": "movement/raw",
    "movement standardised": "movement/standardised",
    "KL ratio": "rotation_kl/ratio",
    "retrieval": "retrieval_accuracy",
    "angle below 10°": "pose_consistency/below_10_deg",
    "SSIM": "ssim",
    "asymmetry explained": "asymmetry/explained",
}
"""Columns of the table, and the names of the measures."""


@dataclass(frozen=True)
class Row:
    """One row of the table: a network with some settings."""

    network: str
    settings: tuple[str, ...] = ()


ROWS = {
    "baseline": Row("baseline"),
    "baseline-rotated-views": Row("baseline", ("network.rotated_views=true",)),
    "inv_hnet": Row("inv_hnet"),
    "pooled_cnn": Row("pooled_cnn"),
    "framed_hnet": Row("framed_hnet"),
    "framed_hnet-no-contrast": Row("framed_hnet", ("loss.contrast_weight=0",)),
    "framed_hnet-contrast-300": Row("framed_hnet", ("loss.contrast_weight=300",)),
    "framed_hnet-one-ring": Row("framed_hnet", ("network.read_out_rings=1",)),
    "framed_hnet-weak-views": Row(
        "framed_hnet", ("augmentation.stain=0.1", "augmentation.scale=0.1", "augmentation.shift=0.03")
    ),
}


def main() -> None:
    """Train and evaluate the rows that are missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if not args.table:
        if args.data is None:
            parser.error("give DATA, or set ORBICYTE_DATA")
        for seed in args.seeds:
            for name in args.rows:
                if not (args.out / f"{name}-{seed}.json").exists():
                    measure(Path(args.data), args.out, name, seed)
    print(table(args.out))


def measure(data: Path, out: Path, name: str, seed: int) -> None:
    """Train and evaluate one row with one seed, and write its result."""
    study = out / "studies" / name
    if not study.exists():
        with replacing(study) as temporary:
            shutil.copytree(imported(data, out), temporary)
    row = ROWS[name]
    settings = quick().changed([f"seed={seed}", *BUDGET, *EVALUATION, *row.settings])
    run = RunFolder(train(study, row.network, settings=settings))
    evaluate(study, run.path)
    scores = read_scores([run.score_table])
    overall = scores[(scores["type"] == "") & scores["angle_deg"].isna()].set_index("measure")["value"]
    record = run.record()
    assert record.training is not None
    result = {
        "row": name,
        "seed": seed,
        "settings": [*BUDGET, *row.settings],
        "parameters": record.parameters,
        "minutes": record.training.seconds / 60,
        "measures": {measure: float(overall[measure]) for measure in MEASURES.values() if measure in overall},
    }
    write_json(out / f"{name}-{seed}.json", result)


def imported(data: Path, out: Path) -> Path:
    """The study of which the rows' studies are copies: all labelled cells and ``CELLS`` unlabelled ones."""
    study = out / "imported"
    if not study.exists():
        chosen = out / "cells"
        shutil.rmtree(chosen, ignore_errors=True)
        chosen.mkdir(parents=True)
        files = list_images(data / "pbc" / "unlabelled")
        for i in np.random.default_rng(0).permutation(len(files))[:CELLS]:
            shutil.copy(files[i], chosen)
        labels = data / "pbc" / "labelled.csv"
        import_(data / "pbc" / "labelled", study, labels=labels, unlabelled=chosen)
    return study


def table(out: Path) -> str:
    """A line for each row: mean and standard deviation over its seeds."""
    results = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    lines = [f"| network | seeds | parameters | minutes | {' | '.join(MEASURES)} |"]
    lines.append("|---" * (4 + len(MEASURES)) + "|")
    for name in ROWS:
        own = [result for result in results if result["row"] == name]
        if own:
            minutes = statistics.mean(result["minutes"] for result in own)
            cells = [summary([r["measures"][key] for r in own if key in r["measures"]]) for key in MEASURES.values()]
            lines.append(f"| {name} | {len(own)} | {own[0]['parameters']:,} | {minutes:.1f} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Mean ± standard deviation over the seeds; – where a network has no such measure."])


def summary(values: list[float]) -> str:
    """Mean ± standard deviation."""
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
