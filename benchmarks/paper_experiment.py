"""The paper's experiment on PBC: ten networks, framed_hnet and a control on six folds, in pieces that are kept.

    python benchmarks/paper_experiment.py DATA --study STUDY [--workers 2] [--folds 1 2 ...]    trains what is missing
    python benchmarks/paper_experiment.py --tables                                              tables and figures

Each finished run is copied to docs/results/runs/RUN, without weights and pictures; a run that is there, with the same
settings and patches, is done, on whatever machine. ``--tables`` reads these folders only, writes CSV, SVG and text to
docs/results, and prints the findings for docs/results.md. All networks see the same cells for the same number of
epochs: 3,000 of 4,500 unlabelled cells train, of which no label is known; F1 is measured on all labelled cells.
"""

import argparse
import os
from pathlib import Path

from benchmarks.pbc import import_pbc

from orbicyte.presets import PAPER_NETWORKS, ROTATION_WEIGHTS, quick
from orbicyte.reporting.collapse import collapsed
from orbicyte.reporting.experiment.files import write_tables
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.inputs import trained_run
from orbicyte.reporting.values import Values
from orbicyte.stages.experiment import experiment
from orbicyte.stages.experiment.results import kept_results
from orbicyte.study.predictions import read_predictions
from orbicyte.study.scores import read_scores

RESULTS = Path("docs/results")
UNLABELLED = 4500
SETTINGS = quick().changed(
    [
        "training.batch_size=64",
        "training.schedule=cosine",
        "training.learning_rate=0.002",
        "training.max_epochs=10",
        "evaluation.cells=300",
        "evaluation.angle_step_deg=30",
    ]
)
PARTS = (((*PAPER_NETWORKS, "framed_hnet"), ROTATION_WEIGHTS), (("pooled_stn",), (0.5,)))
"""Networks and weights: the paper's and framed_hnet; the control for inv_hnet."""


def main() -> None:
    """Train what is missing, or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--study", type=Path)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--folds", type=int, nargs="+", default=range(1, SETTINGS.folds + 1))
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    if options.tables:
        tables()
        return
    if not (options.data and options.study):
        parser.error("expected the folder DATA and --study STUDY, or --tables")
    import_pbc(Path(options.data), options.study, UNLABELLED)
    for networks, weights in PARTS:
        experiment(
            options.study,
            networks=networks,
            rotation_weights=weights,
            folds=list(options.folds),
            settings=SETTINGS,
            workers=options.workers,
            results=RESULTS / "runs",
            dry_run=options.dry_run,
        )


def tables() -> None:
    """Write tables and figures from the kept results, and print the findings."""
    runs = kept_results(RESULTS / "runs")
    rows = read_scores(run.score_table for run in runs)
    experiment = Experiment(rows, read_predictions(run.predictions for run in runs), SETTINGS.folds)
    write_tables(RESULTS, experiment, collapsed([trained_run(run) for run in runs], Values(rows)))
    print((RESULTS / "findings.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
