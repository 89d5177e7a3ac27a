"""The comparison with the baseline as tables."""

from typing import Any

import pandas as pd

from orbicyte.reporting.experiment.estimates import TIMES, Estimate, signed_number, with_interval
from orbicyte.reporting.experiment.results import Experiment, holm_corrected
from orbicyte.reporting.measures import describe
from orbicyte.reporting.networks import Network
from orbicyte.reporting.section import Table
from orbicyte.reporting.values import number

NONE = "–"


def comparison_table(experiment: Experiment, measure: str) -> Table:
    """Mean and comparison with the baseline of each network, for one measure."""
    compared = experiment.against_baseline(measure)
    corrected = holm_corrected(compared)
    is_ratio = any(estimate.is_ratio for estimate in compared.values())
    rows = []
    for network in experiment.networks:
        mean = experiment.mean(measure, network)
        texts = [with_interval(mean, signed=False) if mean else NONE]
        estimate = compared.get(network)
        texts += _compared(estimate, corrected[network]) if estimate else [NONE] * 4
        rows.append([network.label, *texts])
    margin = describe(measure).margin
    within = "" if margin is None else f" (±{margin:g})" if not is_ratio else f" (±{margin:.0%})"
    mean_is, compared_by = ("geometric mean", "ratio to") if is_ratio else ("mean", "difference from")
    header = [
        "network", f"{mean_is} [95 %]", f"{compared_by} the baseline [95 %]", f"P(equal){within}", "p (Holm)",
        "smallest detectable",
    ]  # fmt: skip
    return Table(describe(measure).title, header, rows)


def _compared(estimate: Estimate, p: float) -> list[str]:
    equal = estimate.probability_equal
    detectable = f"{TIMES} {number(estimate.detectable)}" if estimate.is_ratio else signed_number(estimate.detectable)
    return [
        with_interval(estimate),
        NONE if equal is None else f"{equal:.2f}",
        "< 0.001" if p < 0.001 else f"{p:.3f}",
        detectable.removeprefix("+"),
    ]


def comparisons_csv(experiment: Experiment) -> str:
    """``all_comparisons`` as CSV."""
    return as_csv(all_comparisons(experiment))


def as_csv(table: pd.DataFrame) -> str:
    """The table as CSV with six digits, the same on every system."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def all_comparisons(experiment: Experiment) -> pd.DataFrame:
    """Means and comparisons of all measures, one row per measure and network."""
    rows = []
    for measure in sorted(experiment.measures):
        compared = experiment.against_baseline(measure)
        corrected = holm_corrected(compared)
        for network in experiment.measured(measure):
            row = _mean(experiment, measure, network)
            if network in compared:
                row |= _comparison(compared[network], corrected[network])
            rows.append(row)
    return pd.DataFrame(rows)


def _mean(experiment: Experiment, measure: str, network: Network) -> dict[str, Any]:
    values = experiment.values(measure)[network].dropna()
    row = {
        "measure": measure,
        "network": network.name,
        "rotation_weight": network.weight,
        "trainings": len(values),
        "mean": values.mean(),
        "sd": values.std(),
    }
    if estimate := experiment.mean(measure, network):
        row |= {"mean": estimate.value, "mean_is": "geometric" if estimate.is_ratio else "arithmetic"}
        row |= dict(zip(("mean_low", "mean_high"), estimate.interval(), strict=True))
    return row


def _comparison(estimate: Estimate, p_holm: float) -> dict[str, Any]:
    low, high = estimate.interval()
    return {
        "comparison": "ratio" if estimate.is_ratio else "difference",
        "value": estimate.value,
        "low": low,
        "high": high,
        "interval": estimate.method,
        "margin": estimate.margin,
        "probability_equal": estimate.probability_equal,
        "p": estimate.t.p,
        "p_holm": p_holm,
        "smallest_detectable": estimate.detectable,
    }
