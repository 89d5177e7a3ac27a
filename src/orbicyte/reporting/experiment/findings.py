"""The paper's findings (2.4, 3), each judged from the numbers.

A comparison agrees with a finding if its 95 % interval lies on the finding's side, and disagrees if it lies on the
other side. A finding about several networks is *reproduced* if all its comparisons agree, *contradicted* if one
disagrees even with an interval that is widened for the number of comparisons (Bonferroni), else *undecided*.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from orbicyte.presets import PAPER_NETWORKS
from orbicyte.reporting.experiment.estimates import Estimate, with_interval
from orbicyte.reporting.experiment.results import Contrast, Experiment
from orbicyte.reporting.networks import Network
from orbicyte.reporting.values import NO_BREAK
from orbicyte.statistics.corrected_t import Interval

Verdict = Literal["reproduced", "contradicted", "undecided"]
Side = Callable[[Interval, float], bool | None]
"""Whether an interval agrees with a finding, given the margin; None if it neither agrees nor disagrees."""


@dataclass(frozen=True)
class Finding:
    """A finding of the paper: its text, the verdict, and the comparisons behind it as text."""

    text: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class _Claim:
    text: str
    measure: str
    side: Side
    contrasts: Mapping[str, Contrast]


def findings(experiment: Experiment, probe: str) -> list[Finding]:
    """Each finding for which networks were trained; F1 by ``probe``."""
    judged = (_judged(experiment, claim) for claim in _claims(experiment, probe))
    return [finding for finding in judged if finding]


def _below(interval: Interval, margin: float) -> bool | None:
    return True if interval[1] < 0 else False if interval[0] > 0 else None


def _at_most(interval: Interval, margin: float) -> bool | None:
    return True if interval[1] <= margin else False if interval[0] > margin else None


def _equal(interval: Interval, margin: float) -> bool | None:
    low, high = interval
    return True if -margin <= low and high <= margin else False if low > margin or high < -margin else None


def _claims(experiment: Experiment, probe: str) -> Iterator[_Claim]:
    f1, found = f"f1/{probe}", [n for n in experiment.networks if n.name in PAPER_NETWORKS]
    baseline = {n.label: {n: 1.0, b: -1.0} for b in found if b.is_baseline for n in found if not n.is_baseline}
    trends, pairs = _trends(found), _pairs(found, "inv_hnet", "equ_hnet")
    weakest = {label: contrast for label, contrast in baseline.items() if Network("only_stn", 0.2) in contrast}
    yield _Claim("Rotation KL is below the baseline's", "rotation_kl", _below, baseline)
    yield _Claim("Rotation KL falls as w grows", "rotation_kl", _below, trends)
    yield _Claim("Reconstructions are slightly less similar to the cells (SSIM)", "ssim", _below, baseline)
    yield _Claim("Reconstructions are more rotation-symmetric", "asymmetry/explained", _below, baseline)
    yield _Claim("F1 is lower than the baseline's, or equal", f1, _at_most, baseline)
    yield _Claim("F1 falls as w grows", f1, _below, trends)
    yield _Claim("F1 of inv-HNet is below that of equ-HNet", f1, _below, pairs)
    yield _Claim("F1 of only-STN at w = 0.2 is the baseline's", f1, _equal, weakest)


def _trends(networks: list[Network]) -> dict[str, Contrast]:
    """The change from the smallest to the largest w along the line fitted to the values at all w, for each name."""
    trends: dict[str, Contrast] = {}
    for name in dict.fromkeys(network.name for network in networks):
        group = [network for network in networks if network.name == name and network.weight is not None]
        if len(group) > 1:
            weights = np.array([network.weight for network in group], np.float64)
            centred = weights - weights.mean()
            factors = centred / (centred**2).sum() * (weights.max() - weights.min())
            ends = f"w = {weights.min():g} to {weights.max():g}".replace(" ", NO_BREAK)
            trends[f"{group[0].title}, {ends}"] = dict(zip(group, factors.tolist(), strict=True))
    return trends


def _pairs(networks: list[Network], name: str, other: str) -> dict[str, Contrast]:
    """The network ``name`` minus ``other``, at each w that both have."""
    found = [network for network in networks if network.name == name and Network(other, network.weight) in networks]
    return {network.weight_label: {network: 1.0, Network(other, network.weight): -1.0} for network in found}


def _judged(experiment: Experiment, claim: _Claim) -> Finding | None:
    found = {label: experiment.contrast(claim.measure, contrast) for label, contrast in claim.contrasts.items()}
    estimates = {label: estimate for label, estimate in found.items() if estimate}
    if not estimates:
        return None
    corrected = 1 - 0.05 / len(estimates)
    agree = [claim.side(estimate.bounds(), estimate.margin or 0.0) for estimate in estimates.values()]
    disagree = [claim.side(estimate.bounds(corrected), estimate.margin or 0.0) for estimate in estimates.values()]
    missing = [label for label in found if label not in estimates]
    reproduced = all(agree) and not missing
    verdict: Verdict = "reproduced" if reproduced else "contradicted" if False in disagree else "undecided"
    not_known = f"; no interval for {', '.join(missing)}" if missing else ""
    return Finding(claim.text, verdict, _evidence(estimates, agree) + not_known)


def _evidence(estimates: Mapping[str, Estimate], agree: list[bool | None]) -> str:
    ends = sorted(estimates, key=lambda label: estimates[label].value)
    texts = [f"{with_interval(estimates[label])} ({label})" for label in dict.fromkeys((ends[0], ends[-1]))]
    if len(estimates) > 1:
        return f"{agree.count(True)} of {len(agree)} agree, {agree.count(False)} disagree; from {' to '.join(texts)}"
    (estimate,) = estimates.values()
    equal, margin = estimate.probability_equal, estimate.margin
    if equal is None or margin is None:
        return texts[0]
    within = f"{margin:.0%}" if estimate.is_ratio else f"{margin:g}"
    return f"{texts[0]}; within ±{within} with a probability of {equal:.2f}"
