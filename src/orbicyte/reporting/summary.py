"""The summary: sentences and a table, made from the scores alone."""

import math
from types import MappingProxyType

from orbicyte.reporting.collapse import Collapsed
from orbicyte.reporting.experiment.estimates import Estimate, with_interval
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.networks import Network, shown
from orbicyte.reporting.section import Table
from orbicyte.reporting.values import Value, Values, number, percent

AT_A_GLANCE = (
    ("rotation_kl", "rotation KL (nats) ↓"),
    ("retrieval_accuracy", "retrieval accuracy ↑"),
    ("ssim", "similarity of reconstructions (SSIM) ↑"),
    ("asymmetry/explained", "asymmetry explained (up to 1) ↑"),
    ("f1/{probe}", "macro F1 ↑"),
    ("every_angle_f1/{probe}", "F1, correct at every angle ↑"),
    ("one_type/{probe}", "one type at all angles (share) ↑"),
)


CHANCE = 2.0
"""Combined standard deviations up to which a difference is not called one."""
ONE_TRAINING = (
    "each network was trained once, so these numbers are about these trainings and cells. Whether networks differ in "
    "general is not known from one fold: train several folds."
)


def findings(
    values: Values, experiment: Experiment | None = None, collapsed: Collapsed = MappingProxyType({})
) -> list[tuple[str, str]]:
    """Heading and text: the result of each network at the weight nearest to 0.5, and the controls.

    Without an ``experiment`` every network was trained once. Networks that learned almost nothing (``collapsed``)
    have the reason instead of a result, and nothing is compared with them.
    """
    probe = _probe(values)
    baseline = next((network for network in values.networks if network.is_baseline and network not in collapsed), None)
    found = [(network.label, reason) for network, reason in collapsed.items()]
    for network in (network for network in shown(values.networks) if network not in collapsed):
        reference = None if network == baseline else baseline
        texts = (_rotation(values, network, reference), _asymmetry(values, network, reference))
        difference = experiment.against_baseline(f"f1/{probe}").get(network) if experiment and reference else None
        text = " ".join(filter(None, (*texts, _types(values, network, reference, probe, difference))))
        if text and (network != baseline or len(values.networks) == 1):
            found.append((network.label, text))
    if controls := _controls(values, probe):
        found.append(("For comparison", controls))
    if experiment is None and len(values.networks) > 1:
        found.append(("Limits of one fold", ONE_TRAINING))
    return found


def at_a_glance(values: Values, collapsed: Collapsed = MappingProxyType({})) -> Table:
    """The most important measures, one row per network and weight; means only where there are several trainings."""
    columns = {measure.format(probe=_probe(values)): title for measure, title in AT_A_GLANCE}
    columns = {measure: title for measure, title in columns.items() if values.first(measure)}
    rows = []
    for network in values.networks:
        found = [values.get(network, measure) for measure in columns]
        label = network.label + (" (learned almost nothing)" if network in collapsed else "")
        rows.append([label, *(_short(value) if value else "–" for value in found)])
    return Table("Overview: ↑ higher is better, ↓ lower is better", ["network", *columns.values()], rows)


def _short(value: Value) -> str:
    return str(value) if value.runs == 1 else number(value.mean)


def _probe(values: Values) -> str:
    return (values.first("f1/mlp", "f1/linear") or "f1/mlp").rpartition("/")[2]


def _rotation(values: Values, network: Network, baseline: Network | None) -> str:
    value = values.get(network, "rotation_kl")
    if value is None:
        return ""
    text = f"Rotating a cell changes its representation by {number(value.mean)} nats on average"
    reference = values.get(baseline, "rotation_kl") if baseline else None
    if reference and value.mean > 0:
        factor = reference.mean / value.mean
        text += f", {_factor(factor)} for the baseline ({number(reference.mean)} nats)"
    ratio = values.get(network, "rotation_kl/ratio")
    return text + (f"; this is {percent(ratio.mean)} of the mean difference between two cells." if ratio else ".")


def _factor(factor: float) -> str:
    """In words: how many times less, or more, with two digits; above 1,000 without its value."""
    times, comparison = (factor, "less than") if factor >= 1 else (1 / factor, "more than")
    if times >= 1000:
        return f"a factor of more than 1,000 {comparison}"
    text = f"{times:.0f}" if times >= 10 else f"{times:.2g}"
    return "about the same as" if text == "1" else f"a factor of {text} {comparison}"


def _asymmetry(values: Values, network: Network, baseline: Network | None) -> str:
    value = values.get(network, "asymmetry/explained")
    if value is None:
        return ""
    reference = values.get(baseline, "asymmetry/explained") if baseline else None
    text = f"Reconstructions explain {_explained(value.mean)} of the variance that is not rotation-symmetric"
    return text + (f" (baseline: {_explained(reference.mean)})." if reference else ".")


def _explained(share: float) -> str:
    """In per cent; at 0 or below, reconstructions are no better than rotation-symmetric ones."""
    return f"{share:.0%}" if share >= 0.005 else "none"


def _types(values: Values, network: Network, baseline: Network | None, probe: str, difference: Estimate | None) -> str:
    value = values.get(network, f"f1/{probe}")
    if value is None:
        return ""
    text = f"A shallow classifier predicts the cell type with a macro F1 of {value}"
    if baseline and (reference := values.get(baseline, f"f1/{probe}")):
        text += f", {_compared(value, reference, difference)}"
    if same := values.get(network, f"one_type/{probe}"):
        before = values.get(baseline, f"one_type/{probe}") if baseline else None
        text += f". For {same.mean:.0%} of the cells the predicted type is the same at all angles"
        text += f" (baseline: {before.mean:.0%})" if before else ""
    return text + "."


def _compared(value: Value, reference: Value, difference: Estimate | None) -> str:
    """In words: the ``difference`` with its interval, or whether it exceeds the spread over the folds by far."""
    if difference:
        return (
            f"a difference of {with_interval(difference)} (95 % interval) from the baseline ({number(reference.mean)})"
        )
    before = f"{reference} for the baseline"
    if value.spread is None or reference.spread is None:
        return f"compared with {before}; the spread is not known, so this may be chance"
    if abs(value.mean - reference.mean) <= CHANCE * math.hypot(value.spread, reference.spread):
        return f"compared with {before}: a difference that may be chance, given the spread over the folds"
    relation = "higher" if value.mean > reference.mean else "lower"
    return (
        f"{relation} than that of the baseline ({reference}): the difference is more than twice the combined standard "
        "deviation of the folds"
    )


def _controls(values: Values, probe: str) -> str:
    texts = {
        "border_f1": "{} from the border of the patch alone",
        "majority_f1": "{} if the most frequent type is always predicted",
    }
    parts = []
    for name, text in texts.items():
        measure = values.first(name, f"{name}/{probe}")
        found = [value.mean for network in values.networks if measure and (value := values.get(network, measure))]
        if found:
            parts.append(text.format(number(sum(found) / len(found))))
    return f"macro F1 is {' and '.join(parts)}." if parts else ""
