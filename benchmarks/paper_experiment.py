"""The paper's experiment on PBC, in pieces that are kept.

    python -m benchmarks.paper_experiment DATA --study STUDY [--workers 2] [--folds 1 2 ...]    trains what is missing
    python -m benchmarks.paper_experiment --tables                                              tables and figures

Designs: ``64px``, ten networks, framed_hnet and three controls on six folds, 3,000 cells for training, for CPUs; with
``--design 128px``, larger networks, 6,925 cells for training and more epochs, w = 0.5 only, for a GPU, which several
workers may share.

Each finished run is copied to RESULTS/runs/RUN, without weights and pictures; a run that is there, with the same
settings and patches, is done, on whatever machine. ``--tables`` reads these folders only, and writes SVG, and each
table as CSV and as Markdown, to RESULTS, which is docs/results, or docs/results/128px; if every network was trained
once, only measures, without comparisons. docs/results.md says how the tables get into that page. All networks of a
design see the same cells for the same number of epochs; no label is known in training; F1 is measured on the labelled
cells that are not the selection part.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from benchmarks.pbc import import_pbc

from orbicyte.errors import OrbicyteError
from orbicyte.presets import PAPER_NETWORKS, ROTATION_WEIGHTS, quick
from orbicyte.reporting.collapse import collapsed
from orbicyte.reporting.experiment.estimates import with_interval
from orbicyte.reporting.experiment.files import table_lines, write_tables
from orbicyte.reporting.experiment.findings import findings
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.experiment.section import probe_of
from orbicyte.reporting.experiment.tables import NONE, as_csv
from orbicyte.reporting.inputs import trained_run
from orbicyte.reporting.measures import describe
from orbicyte.reporting.networks import Network
from orbicyte.reporting.section import Table
from orbicyte.reporting.values import Values
from orbicyte.settings import Settings
from orbicyte.stages.evaluate import is_evaluated
from orbicyte.stages.experiment import experiment
from orbicyte.stages.experiment.results import kept_results
from orbicyte.stages.train import check_same
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import RunFolder, mixed_versions
from orbicyte.study.scores import read_evaluation, read_scores
from orbicyte.text import number_of

LEARNING = ["training.batch_size=64", "training.schedule=cosine", "training.learning_rate=0.002"]
MEASURING = ["evaluation.cells=300", "evaluation.angle_step_deg=30"]
LARGER = [
    "network.size_px=128",
    "network.widths=16,32,64,128,128",
    "network.pose_widths=8,16,32,32",
    "network.harmonic_widths=16,24,48,96,96",
    "network.framed_widths=16,32,64,64",
]
"""Twice the pixels per side, and one layer more in each network."""
NETWORKS = (*PAPER_NETWORKS, "framed_hnet")
CONTROLS = (("pooled_stn", "faded_stn", "averaged_cnn"), (0.5,))
GPU_FOLD = 6
"""The fold of the design 64px that was trained on a GPU, nine networks of it with TF32."""


@dataclass(frozen=True)
class Design:
    """An experiment: how many unlabelled cells (None: all), which networks at which weights, where its results are."""

    unlabelled: int | None
    settings: Settings
    parts: Sequence[tuple[Sequence[str], Sequence[float]]]
    results: Path


DESIGNS = {
    "64px": Design(
        4500,
        quick().changed([*LEARNING, *MEASURING, "training.max_epochs=10"]),
        ((NETWORKS, ROTATION_WEIGHTS), CONTROLS),
        Path("docs/results"),
    ),
    "128px": Design(
        None,
        quick().changed([*LEARNING, *MEASURING, *LARGER, "training.max_epochs=20"]),
        ((NETWORKS, (0.5,)),),
        Path("docs/results/128px"),
    ),
}
BASELINE, AVERAGED_CNN, FRAMED_HNET = Network("baseline"), Network("averaged_cnn"), Network("framed_hnet")
ONLY_STN, POOLED_STN, FADED_STN, INV_HNET, EQU_HNET = (
    Network(name, 0.5) for name in ("only_stn", "pooled_stn", "faded_stn", "inv_hnet", "equ_hnet")
)
STEPS = {
    "rotated views, transformer and rotation loss: only-STN − baseline": (ONLY_STN, BASELINE),
    "averaging over the map: pooled-STN − only-STN": (POOLED_STN, ONLY_STN),
    "the disc that is seen: faded-STN − pooled-STN": (FADED_STN, POOLED_STN),
    "harmonic encoder: inv-HNet − faded-STN": (INV_HNET, FADED_STN),
    "all four: inv-HNet − baseline": (INV_HNET, BASELINE),
    "invariance by an average alone: averaged-CNN − baseline": (AVERAGED_CNN, BASELINE),
    "beyond that average: inv-HNet − averaged-CNN": (INV_HNET, AVERAGED_CNN),
    "order 2, blurred input and larger first filters: equ-HNet − inv-HNet": (EQU_HNET, INV_HNET),
}
"""From the baseline to inv-HNet, one difference at a time, and the same by an average; w = 0.5 where there is a w."""
CAUSE_MEASURES = ("f1/mlp", "f1/linear", "rotation_kl", "ssim", "asymmetry/explained")
FRAMED = {f"framed-HNet − {other.title}": (FRAMED_HNET, other) for other in (BASELINE, ONLY_STN, INV_HNET, EQU_HNET)}
"""The recommended network and each of the paper's, at w = 0.5."""
FRAMED_MEASURES = ("f1/mlp", "every_angle_f1/mlp", "movement/raw", "ssim", "asymmetry/explained")
MEASURED = (*CAUSE_MEASURES, "every_angle_f1/mlp", "movement/raw")
"""Measures of the table of networks that were trained once."""


def main() -> None:
    """Train what is missing, or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--study", type=Path, help="folder of the study; made if it is not there")
    parser.add_argument("--design", choices=DESIGNS, default="64px", help="default: %(default)s")
    parser.add_argument("--workers", type=int, help="trainings at the same time")
    parser.add_argument("--folds", type=int, nargs="+", help="which folds, from 1; by default all")
    parser.add_argument("--dry-run", action="store_true", help="only print the plan")
    parser.add_argument("--tables", action="store_true", help="write tables and figures from the kept results")
    options = parser.parse_args()
    design = DESIGNS[options.design]
    if options.tables:
        tables(design)
        return
    if not (options.data and options.study):
        parser.error("expected the folder DATA and --study STUDY, or --tables")
    import_pbc(Path(options.data), options.study, design.unlabelled)
    for networks, weights in design.parts:
        experiment(
            options.study,
            networks=networks,
            rotation_weights=weights,
            folds=options.folds,
            settings=design.settings,
            workers=options.workers,
            results=design.results / "runs",
            dry_run=options.dry_run,
        )


def tables(design: Design) -> None:
    """Write tables and figures from the kept results, which must be of the same patches, with these settings."""
    runs = kept_results(design.results / "runs")
    patches = runs[0].record().data.fingerprint
    for run in runs:
        check_same(run, design.settings, patches)
        if not is_evaluated(run, design.settings.evaluation):
            raise OrbicyteError(f"{run.path} was evaluated with other settings: delete that folder and evaluate again")
    rows = read_scores(run.score_table for run in runs)
    values = Values(rows)
    write(design, "trainings", trainings(runs, rows))
    nothing = collapsed([trained_run(run) for run in runs], values)
    experiment = Experiment(rows, read_predictions(run.predictions for run in runs), design.settings.folds, nothing)
    if not experiment.is_repeated:
        write(design, "values", measured(values))
        return
    write_tables(design.results, experiment)
    write(design, "framed", differences(experiment, FRAMED, FRAMED_MEASURES))
    if CONTROLS in design.parts:
        write(design, "causes", differences(experiment, STEPS, CAUSE_MEASURES))
        write(design, "without_gpu", verdicts(experiment, without(experiment, GPU_FOLD)))


def trainings(runs: Sequence[RunFolder], scores: pd.DataFrame) -> Table:
    """How many trainings there are, how many may not have converged, on what they ran. Copied weights count once."""
    border = scores.loc[scores["measure"] == "border_f1/mlp", "value"].map("{:.3f}".format).value_counts().sort_index()
    records = [run.record() for run in runs]
    trained = {record.digests["weights.safetensors"]: record.training for record in reversed(records)}
    ends = [end for end in trained.values() if end]
    on_cpu = [end.cpu_seconds or 0.0 for end in ends if end.device == "cpu"]
    mixed = mixed_versions({record.key.folder_name: record.versions for record in records}, "trained")
    evaluated = {run.name: read_evaluation(run.evaluation).versions for run in runs}
    mixed += mixed_versions(evaluated, "evaluated")
    if unknown := sum(not versions for versions in evaluated.values()):
        mixed.append(f"not recorded for {unknown} of {len(evaluated)} evaluations")
    rows = [
        ["runs that are copies of others", str(len(records) - len(ends))],
        ["trainings of which the last epoch was the best", str(sum(end.best_epoch == end.epochs for end in ends))],
        ["trainings on CPUs", f"{len(on_cpu)}, with {sum(on_cpu) / 3600:.1f} hours of processor time in all"],
        ["trainings on GPUs", str(len(ends) - len(on_cpu))],
        ["versions", "; ".join(mixed) or "the same in all"],
        [
            "macro F1 of the border alone",
            "; ".join(f"{value} in {number_of(count, 'run')}" for value, count in border.items()),
        ],
    ]
    return Table("", ["trainings", str(len(ends))], rows)


def measured(values: Values) -> Table:
    """The measures of networks that were trained once."""
    rows = [
        [network.label, *(str(values.get(network, measure) or NONE) for measure in MEASURED)]
        for network in values.networks
    ]
    return Table("", ["network", *(describe(measure).title for measure in MEASURED)], rows)


def without(experiment: Experiment, fold: int) -> Experiment:
    """The same experiment without the runs of that fold."""
    rows, predictions = (table[table["fold"] != fold] for table in (experiment.rows, experiment.predictions))
    return replace(experiment, rows=rows, predictions=predictions)


def verdicts(experiment: Experiment, fewer: Experiment) -> Table:
    """The verdicts on the paper's findings, from all runs and from fewer."""
    both = [findings(each.usable(), probe_of(each)) for each in (experiment, fewer)]
    rows = [[one.text, one.verdict, other.verdict, other.evidence] for one, other in zip(*both, strict=True)]
    header = ["the paper's finding", "all folds", f"without fold {GPU_FOLD}", "comparisons without it [95 % interval]"]
    return Table("", header, rows)


def write(design: Design, name: str, table: Table) -> None:
    """Write a table as Markdown and as CSV."""
    lines = "\n".join(table_lines(table.header, table.rows)) + "\n"
    (design.results / f"{name}.md").write_text(lines, encoding="utf-8")
    content = as_csv(pd.DataFrame(list(table.rows), columns=list(table.header)))
    (design.results / f"{name}.csv").write_text(content, encoding="utf-8")


def differences(experiment: Experiment, pairs: Mapping[str, tuple[Network, Network]], measures: Sequence[str]) -> Table:
    """Differences of pairs of networks in some measures."""
    rows = []
    for title, (network, other) in pairs.items():
        found = [experiment.contrast(measure, {network: 1.0, other: -1.0}) for measure in measures]
        rows.append([title, *(with_interval(estimate) if estimate else NONE for estimate in found)])
    known = [describe(measure) for measure in measures]
    titles = [one.title.replace("(nats)", "(ratio)") if one.is_ratio else one.title for one in known]
    return Table("", ["difference", *titles], rows)


if __name__ == "__main__":
    main()
