"""Verdicts on experiments with known effects."""

from dataclasses import replace

import numpy as np
import pytest
from tests.reporting.made_experiment import experiment_of, ten_networks

from orbicyte.reporting.experiment.findings import Finding, findings
from orbicyte.reporting.experiment.section import section
from orbicyte.reporting.networks import Network
from orbicyte.study.runs import RunKey

KL, KL_FALLS = "Rotation KL is below the baseline's", "Rotation KL falls as w grows"
SSIM, SYMMETRIC = (
    "Reconstructions are slightly less similar to the cells (SSIM)",
    "Reconstructions are more rotation-symmetric",
)
F1, F1_FALLS = "F1 is lower than the baseline's, or equal", "F1 falls as w grows"
PAIR, LIKE = "F1 of inv-HNet is below that of equ-HNet", "F1 of only-STN at w = 0.2 is the baseline's"


def noise(key: RunKey) -> float:
    return float(np.random.default_rng([key.fold, len(key.folder_name), int(10 * (key.rotation_weight or 0))]).normal())


def kl(key: RunKey) -> float:
    """Falls below the baseline's and with w, except for equ_hnet at 0.9, which is above it."""
    if key.network == "equ_hnet" and key.rotation_weight == 0.9:
        return 60 + noise(key)
    return 40 / (1 + 20 * (key.rotation_weight or 0)) * (1 + 0.05 * noise(key))


def found(runs: list[RunKey]) -> dict[str, Finding]:
    experiment = experiment_of(
        runs,
        rotation_kl=kl,
        ssim=lambda key: 0.7 - 0.05 * bool(key.rotation_weight) + 0.01 * key.fold + 0.001 * noise(key),
        **{"asymmetry/explained": lambda key: 0.3 + 0.05 * noise(key)},
    )
    return {finding.text: finding for finding in findings(experiment, "mlp")}


@pytest.fixture(scope="module")
def ten() -> dict[str, Finding]:
    return found(ten_networks())


def test_verdicts_are_those_of_the_known_effects(ten: dict[str, Finding]) -> None:
    verdicts = {text: finding.verdict for text, finding in ten.items()}
    assert list(verdicts) == [KL, KL_FALLS, SSIM, SYMMETRIC, F1, F1_FALLS, PAIR, LIKE]
    assert verdicts[KL] == verdicts[KL_FALLS] == "contradicted"
    assert verdicts[SSIM] == verdicts[PAIR] == "reproduced"
    assert verdicts[SYMMETRIC] == "undecided"


def test_the_evidence_counts_comparisons_and_shows_both_ends(ten: dict[str, Finding]) -> None:
    assert ten[KL].evidence.startswith("8 of 9 agree, 1 disagree; from ×\N{NO-BREAK SPACE}0.05")
    assert ten[KL].evidence.endswith("(equ-HNet, w\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.9)")
    assert "within ±0.01 with a probability of 0." in ten[LIKE].evidence


def test_findings_whose_networks_are_missing_are_left_out() -> None:
    runs = [run for run in ten_networks() if run.network == "baseline" or run.folder_name.startswith("inv_hnet-w0.5")]
    assert set(found(runs)) == {KL, SSIM, SYMMETRIC, F1}
    without_baseline = [run for run in ten_networks() if run.network != "baseline"]
    assert set(found(without_baseline)) == {KL_FALLS, F1_FALLS, PAIR}
    assert found([run for run in ten_networks() if run.fold == 1]) == {}


def test_a_finding_is_undecided_while_a_network_was_trained_once() -> None:
    experiment = experiment_of(
        [run for run in ten_networks() if run.fold == 1 or not run.folder_name.startswith("inv_hnet-w0.9")],
        ssim=lambda key: 0.7 - 0.05 * bool(key.rotation_weight) + 0.001 * noise(key),
    )
    (finding,) = [one for one in findings(experiment, "mlp") if one.text == SSIM]
    assert finding.verdict == "undecided"
    assert finding.evidence.startswith("8 of 8 agree")
    assert finding.evidence.endswith(f"; no interval for {Network('inv_hnet', 0.9).label}")


def test_a_constant_fall_with_w_is_estimated_exactly() -> None:
    runs = [run for run in ten_networks() if run.network == "only_stn"]
    experiment = experiment_of(runs, rotation_kl=lambda key: 100 * float(np.exp(-2 * (key.rotation_weight or 0))))
    (finding, *_) = findings(experiment, "mlp")
    assert finding.verdict == "reproduced"
    assert f"×\N{NO-BREAK SPACE}{np.exp(-2 * 0.7):.3f}" in finding.evidence
    assert "within ±1% with a probability of 0.00" in finding.evidence


def test_a_network_that_learned_nothing_is_in_no_finding_and_named() -> None:
    exception = Network("equ_hnet", 0.9)
    everything = experiment_of(ten_networks(), rotation_kl=kl)
    experiment = replace(everything, nothing={exception: "It learned nothing."})
    texts = {finding.text: finding.verdict for finding in findings(experiment.usable(), "mlp")}
    assert texts[KL] == "reproduced"
    assert exception in experiment.networks
    assert f"because they learned almost nothing: {exception.label}." in section(experiment).lead
    assert "learned almost nothing" not in section(everything).lead
