"""Training: curves, the composition of the loss, and a table of the runs."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from orbicyte.reporting.figures import INK, new_figure, wants_log
from orbicyte.reporting.inputs import ReportInputs, TrainedRun
from orbicyte.reporting.networks import Network, colours
from orbicyte.reporting.section import Illustration, Section, Table
from orbicyte.reporting.values import number

COLUMNS = 4
LISTED = 12
"""The table of more runs than this is collapsed."""
TERMS = {"reconstruction": "#7a8793", "prior": "#c4ccd4", "rotation": "#d55e00", "contrast": "#0072b2"}
OTHER_TERMS = "#f0e442"
STOPPED = {"early": "early stopping", "budget": "maximum of epochs"}

CURVES = (
    "One panel per network and weight. Solid line: loss on the training cells; dashed line: loss on the validation "
    "cells, which are used only to decide when to stop; the dot marks the epoch whose weights were kept. Ideally "
    "the dashed line falls and levels out near the solid line. If it rises while the solid line falls, the network "
    "overfits; if it is still falling at the end, longer training would help.{log}"
)
SHARES = (
    "On the validation cells, at the epoch whose weights were kept: reconstruction (error of "
    "the reconstruction), prior (divergence of the representation from the prior distribution), rotation (change "
    "of the representation when the cell is rotated, times w) and, for networks with a contrastive loss, contrast (how "
    "hard it is to recognise a cell among others in another view of it). The share of a term shows its influence; its "
    "weight alone does not."
)


def section(inputs: ReportInputs) -> Section:
    """Training curves of one run per network and weight, the composition of the loss, and all runs."""
    firsts: dict[Network, TrainedRun] = {}
    for run in sorted(inputs.runs, key=lambda run: (run.fold, run.seed)):
        firsts.setdefault(run.network, run)
    figures = [_curves(logged)] if (logged := [run for run in _in_order(inputs, firsts) if run.log is not None]) else []
    if shares := [run for run in _in_order(inputs, firsts) if _loss_shares(run)]:
        figures.append(_shares(shares))
    lead = "The networks were trained on images only; labels were not used."
    runs = [_runs(inputs)]
    if len(inputs.runs) > LISTED:
        return Section("training", "Training", lead, figures=figures, more_title="All runs", more_tables=runs)
    return Section("training", "Training", lead, figures=figures, tables=runs)


def _in_order(inputs: ReportInputs, firsts: dict[Network, TrainedRun]) -> list[TrainedRun]:
    return [firsts[network] for network in inputs.networks]


def _curves(runs: list[TrainedRun]) -> Illustration:
    columns = min(COLUMNS, max(len(runs), 2))
    figure = new_figure(2.7 * math.ceil(len(runs) / columns) + 0.5)
    grid = figure.subplots(math.ceil(len(runs) / columns), columns, squeeze=False)
    colour = colours(run.network for run in runs)
    logs = [_curve(axes, run, colour[run.network]) for axes, run in zip(grid.flat, runs, strict=False)]
    for axes in grid.flat[len(runs) :]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel("loss (nats per cell)")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    caption = CURVES.format(log=" Logarithmic axes are marked “log”." if any(logs) else "")
    return Illustration.of("training-curves", "Loss during training", caption, figure)


def _curve(axes: Axes, run: TrainedRun, colour: str) -> bool:
    log = run.log if run.log is not None else pd.DataFrame()
    axes.plot(log["epoch"], log["train_loss"], color=colour, label="training cells")
    axes.plot(log["epoch"], log["validation_loss"], color=colour, linestyle="--", label="validation cells")
    best = log[log["epoch"] == (run.record.training.best_epoch if run.record.training else None)]
    axes.plot(
        best["epoch"], best["validation_loss"], "o", color=INK, label="epoch whose weights were kept", linestyle="none"
    )
    logarithmic = wants_log(np.ravel(log[["train_loss", "validation_loss"]]).tolist())
    if logarithmic:
        axes.set_yscale("log")
    axes.set_title(run.network.label + (" (log)" if logarithmic else ""), fontsize=10)
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
    return logarithmic


def _shares(runs: list[TrainedRun]) -> Illustration:
    figure = new_figure(1.5 + 0.42 * len(runs))
    axes = figure.subplots()
    left = np.zeros(len(runs))
    used = dict.fromkeys(term for run in runs for term, share in _loss_shares(run).items() if share)
    terms = sorted(used, key=lambda term: [*TERMS, term].index(term))
    for term in terms:
        shares = np.array([_loss_shares(run).get(term, 0.0) for run in runs])
        axes.barh(range(len(runs)), shares, 0.8, left=left, color=TERMS.get(term, OTHER_TERMS), label=term)
        for row, share in enumerate(shares):
            if share > 0.06:
                x = left[row] + share / 2
                axes.text(x, row, f"{share:.0%}", ha="center", va="center", color="black")
        left += shares
    axes.set_yticks(range(len(runs)), [run.network.label for run in runs])
    axes.set_ylim(len(runs) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    axes.set_xlabel("share of the validation loss")
    figure.legend(loc="outside lower center", ncols=len(terms))
    return Illustration.of("loss-shares", "Composition of the loss", SHARES, figure)


def _loss_shares(run: TrainedRun) -> dict[str, float]:
    """Share of each term of the loss; empty where the loss was not finite."""
    return {term: share for term, share in run.record.loss_shares.items() if share is not None}


def _runs(inputs: ReportInputs) -> Table:
    header = [
        "run", "fold", "seed", "parameters", "cells: training / validation / test", "epochs (best)", "ended by",
        "minutes", "device", "loss (shares)",
    ]  # fmt: skip
    position = {network: i for i, network in enumerate(inputs.networks)}
    runs = sorted(inputs.runs, key=lambda run: (position[run.network], run.fold, run.seed))
    return Table("All runs", header, [_run(run) for run in runs])


def _run(run: TrainedRun) -> list[str]:
    training, data = run.record.training, run.record.data
    ended = ["–"] * 4
    if training is not None:
        ended = [
            f"{training.epochs} ({training.best_epoch})",
            STOPPED[training.stopped],
            number(training.seconds / 60),
            training.device,
        ]
    return [
        run.network.label,
        str(run.fold),
        str(run.seed),
        f"{run.record.parameters:,}",
        f"{data.train:,} / {data.validation:,} / {data.test:,}",
        *ended,
        ", ".join(f"{term} {share:.1%}" for term, share in _loss_shares(run).items()),
    ]
