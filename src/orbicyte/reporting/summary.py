"""The top of the page: sentences and a table made from the numbers alone."""

import math

from orbicyte.reporting.networks import Network, shown
from orbicyte.reporting.section import Table
from orbicyte.reporting.values import Value, Values, number

AT_A_GLANCE = (
    ("rotation_kl", "rotation KL (nats) ↓"),
    ("retrieval_accuracy", "retrieval accuracy ↑"),
    ("ssim", "likeness of drawings (SSIM) ↑"),
    ("asymmetry/explained", "asymmetry redrawn (up to 1) ↑"),
    ("f1/{probe}", "macro F1 ↑"),
    ("every_angle_f1/{probe}", "F1, right at every angle ↑"),
    ("one_type/{probe}", "one type at all angles (share) ↑"),
)


def findings(values: Values) -> list[tuple[str, str]]:
    """Head and text: what was found for each network at the weight nearest to 0.5, and the controls."""
    probe = _probe(values)
    baseline = next((network for network in values.networks if network.is_baseline), None)
    found = []
    for network in shown(values.networks):
        reference = None if network == baseline else baseline
        texts = (_rotation(values, network, reference), _asymmetry(values, network, reference))
        text = " ".join(filter(None, (*texts, _types(values, network, reference, probe))))
        if text and (network != baseline or len(values.networks) == 1):
            found.append((network.label, text))
    controls = _controls(values, probe)
    return [*found, ("For comparison", controls)] if controls else found


def at_a_glance(values: Values) -> Table:
    """The few measures that matter most, one row a network and weight."""
    columns = {measure.format(probe=_probe(values)): title for measure, title in AT_A_GLANCE}
    columns = {measure: title for measure, title in columns.items() if values.first(measure)}
    rows = []
    for network in values.networks:
        found = [values.get(network, measure) for measure in columns]
        rows.append([network.label, *(str(value) if value else "–" for value in found)])
    return Table("At a glance: ↑ high is good, ↓ low is good", ["network", *columns.values()], rows)


def _probe(values: Values) -> str:
    return (values.first("f1/mlp", "f1/linear") or "f1/mlp").rpartition("/")[2]


def _rotation(values: Values, network: Network, baseline: Network | None) -> str:
    value = values.get(network, "rotation_kl")
    if value is None:
        return ""
    text = f"Turning a cell changes its description by {number(value.mean)} nats on average"
    reference = values.get(baseline, "rotation_kl") if baseline else None
    if reference and value.mean > 0:
        factor = reference.mean / value.mean
        compared = f"{_factor(factor)} times less" if factor >= 1 else f"{_factor(1 / factor)} times more"
        text += f", {compared} than with the baseline ({number(reference.mean)} nats)"
    ratio = values.get(network, "rotation_kl/ratio")
    return text + (f"; that is {_small_share(ratio.mean)} of the difference between two cells." if ratio else ".")


def _factor(factor: float) -> str:
    """A factor of 1 or more in two digits; beyond a thousand its size says nothing any more."""
    if factor >= 1000:
        return "more than a thousand"
    return f"{factor:.0f}" if factor >= 10 else f"{factor:.2g}"


def _small_share(share: float) -> str:
    return "less than 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def _asymmetry(values: Values, network: Network, baseline: Network | None) -> str:
    value = values.get(network, "asymmetry/explained")
    if value is None:
        return ""
    reference = values.get(baseline, "asymmetry/explained") if baseline else None
    text = f"{_redrawn(value.mean)} of what is not rotation-symmetric in a cell is redrawn"
    return text + (f" (baseline: {_redrawn(reference.mean).lower()})." if reference else ".")


def _redrawn(explained: float) -> str:
    """As a share; below 0, drawings are no better than symmetric ones."""
    return f"{explained:.0%}" if explained >= 0.005 else "Nothing"


def _types(values: Values, network: Network, baseline: Network | None, probe: str) -> str:
    value = values.get(network, f"f1/{probe}")
    if value is None:
        return ""
    text = f"A small classifier tells the cell type with a macro F1 of {value}"
    if baseline and (reference := values.get(baseline, f"f1/{probe}")):
        text += f", {_compared(value, reference)} ({reference})"
    if same := values.get(network, f"one_type/{probe}"):
        before = values.get(baseline, f"one_type/{probe}") if baseline else None
        text += f", and gives {same.mean:.0%} of the cells one type at all angles"
        text += f" (baseline: {before.mean:.0%})" if before else ""
    return text + "."


def _compared(value: Value, reference: Value) -> str:
    """In words: whether the difference is larger than the spreads, where both are known, make likely."""
    higher = value.mean > reference.mean
    if value.spread is None or reference.spread is None:
        return f"{'higher' if higher else 'lower'} than with the baseline"
    if abs(value.mean - reference.mean) <= math.hypot(value.spread, reference.spread):
        return "within the spread of the baseline's"
    return f"clearly {'higher' if higher else 'lower'} than with the baseline"


def _controls(values: Values, probe: str) -> str:
    texts = {
        "border_f1": "looking only at the patch's border gives a macro F1 of {}",
        "majority_f1": "always naming the most frequent type gives {}",
    }
    parts = []
    for name, text in texts.items():
        measure = values.first(name, f"{name}/{probe}")
        found = [value.mean for network in values.networks if measure and (value := values.get(network, measure))]
        if found:
            parts.append(text.format(number(sum(found) / len(found))))
    return f"{', '.join(parts)}." if parts else ""
