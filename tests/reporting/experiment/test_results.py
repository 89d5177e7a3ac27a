from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.reporting.made_experiment import experiment_of, f1_of, predicted_cells, ten_networks

from orbicyte.errors import OrbicyteError
from orbicyte.reporting.experiment.figures import f1_figure, reconstruction_figure, rotation_figure
from orbicyte.reporting.experiment.results import Experiment, holm_corrected
from orbicyte.reporting.networks import Network
from orbicyte.statistics.corrected_t import CorrectedT, held_out_ratio
from orbicyte.study.runs import RunKey

BASELINE, INV = Network("baseline"), Network("inv_hnet", 0.9)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return experiment_of(
        ten_networks(), rotation_kl=lambda key: (2.0 + key.fold) / (1 + 10 * (key.rotation_weight or 0))
    )


def without(table: pd.DataFrame, network: str, fold: int) -> pd.DataFrame:
    return table[(table["network"] != network) | (table["fold"] != fold)]


def test_an_f1_difference_is_that_of_the_rows_with_an_interval_of_the_bootstrap(experiment: Experiment) -> None:
    found = experiment.against_baseline("f1/mlp")[INV]
    differences = [
        f1_of(predicted_cells(RunKey("inv_hnet", 0.9, 0, fold)), "mlp")
        - f1_of(predicted_cells(RunKey("baseline", None, 0, fold)), "mlp")
        for fold in range(1, 7)
    ]
    assert found.value == pytest.approx(np.mean(differences))
    assert found.method == "paired bootstrap"
    low, high = found.interval()
    assert low < found.value < high < 0
    assert found.t == CorrectedT.of(np.array(differences), held_out_ratio(6))


def test_a_pair_of_networks_is_compared_more_precisely_than_each_is_known(experiment: Experiment) -> None:
    def width(low: float, high: float) -> float:
        return high - low

    single = experiment.mean("f1/mlp", BASELINE)
    like_it = experiment.against_baseline("f1/mlp")[Network("only_stn", 0.2)]
    assert single is not None
    assert width(*like_it.interval()) < 0.9 * width(*single.interval())


def test_rotation_kl_is_compared_by_ratios(experiment: Experiment) -> None:
    found = experiment.against_baseline("rotation_kl")[INV]
    assert found.is_ratio
    assert found.value == pytest.approx(0.1)
    assert found.interval() == pytest.approx((0.1, 0.1))
    mean = experiment.mean("rotation_kl", BASELINE)
    assert mean is not None
    assert mean.value == pytest.approx(np.exp(np.mean(np.log(np.arange(3, 9)))))


def test_without_predictions_of_a_run_the_interval_is_of_the_corrected_t(experiment: Experiment) -> None:
    old = replace(experiment, predictions=without(experiment.predictions, "inv_hnet", 3))
    assert old.against_baseline("f1/mlp")[INV].method == "corrected t"
    assert old.against_baseline("f1/mlp")[Network("equ_hnet", 0.9)].method == "paired bootstrap"
    none = replace(experiment, predictions=experiment.predictions.iloc[:0])
    assert none.against_baseline("f1/mlp")[INV].value == experiment.against_baseline("f1/mlp")[INV].value


def test_only_trainings_that_both_networks_have_are_compared(experiment: Experiment) -> None:
    fewer = replace(experiment, rows=without(experiment.rows, "inv_hnet", 3))
    assert fewer.against_baseline("f1/mlp")[INV].t.n == 5
    assert fewer.against_baseline("f1/mlp")[Network("equ_hnet", 0.9)].t.n == 6
    one = replace(experiment, rows=experiment.rows[experiment.rows["fold"] == 1])
    assert not one.is_repeated
    assert one.against_baseline("f1/mlp") == {}


def test_slides_that_are_resampled_as_a_whole_widen_the_interval(experiment: Experiment) -> None:
    """Here the types of a slide are predicted all right or all wrong."""
    table = experiment.predictions.copy()
    table["group"] = (table["cell"] // 20).astype(str)
    shift = (table["cell"] // 20 % 3 == 0) & (table["network"] == "inv_hnet")
    table["mlp"] = np.where(shift, "band", table["type"])
    by_slide = replace(experiment, predictions=table)
    by_cell = replace(experiment, predictions=table.assign(group=table["cell"].astype(str)))
    widths = [np.subtract(*e.against_baseline("f1/mlp")[INV].interval()) for e in (by_slide, by_cell)]
    assert widths[0] < 1.5 * widths[1] < 0


def test_nothing_is_compared_with_a_baseline_that_learned_nothing(experiment: Experiment) -> None:
    collapsed = replace(experiment, nothing={BASELINE: "It learned nothing."})
    assert collapsed.against_baseline("f1/mlp") == {}
    assert collapsed.mean("f1/mlp", BASELINE) is not None
    dashed = "dashed: mean of the baseline"
    for figure in (rotation_figure, lambda each: f1_figure(each, "mlp")):
        assert dashed in figure(experiment).caption
        assert dashed not in figure(collapsed).caption
    lines, fewer = (rotation_figure(each).svg.count("stroke-dasharray") for each in (experiment, collapsed))
    assert fewer == lines - 2  # the line, and its example in the legend


def test_a_fraction_that_may_be_negative_has_no_logarithmic_axis() -> None:
    explained = {"baseline": 0.4, "only_stn": 0.001, "inv_hnet": -0.002, "equ_hnet": 0.0}
    runs = experiment_of(ten_networks(), **{"asymmetry/explained": lambda key: explained[key.network]})
    figure = reconstruction_figure(runs)
    assert figure is not None
    assert "<!-- fraction, up to 1 -->" in figure.svg


def test_two_values_of_one_training_are_refused(experiment: Experiment) -> None:
    twice = replace(experiment, rows=pd.concat([experiment.rows, experiment.rows.iloc[:1]]))
    with pytest.raises(OrbicyteError, match="baseline has two values of rotation_kl for fold 1, seed 0"):
        twice.values("rotation_kl")


def test_holm_is_over_the_networks_compared(experiment: Experiment) -> None:
    compared = experiment.against_baseline("f1/mlp")
    corrected = holm_corrected(compared)
    assert len(corrected) == 9
    assert all(corrected[network] >= estimate.t.p for network, estimate in compared.items())
    assert min(corrected.values()) == pytest.approx(9 * min(estimate.t.p for estimate in compared.values()))
