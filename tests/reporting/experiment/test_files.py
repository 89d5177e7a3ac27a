from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.reporting.made_experiment import experiment_of, ten_networks

from orbicyte.errors import OrbicyteError
from orbicyte.reporting.experiment.estimates import with_interval
from orbicyte.reporting.experiment.files import write_tables
from orbicyte.reporting.networks import Network


def test_tables_figures_and_findings_are_written_with_the_same_content_each_time(tmp_path: Path) -> None:
    experiment = experiment_of(ten_networks(), ssim=lambda key: 0.7 + 0.01 * key.fold)
    write_tables(tmp_path, experiment)
    names = {path.name for path in tmp_path.iterdir()}
    tables = {f"{name}.{ending}" for name in ("comparisons", "findings") for ending in ("csv", "md")}
    assert names == {*tables, "reconstruction-measures.svg", "f1.svg"}
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    write_tables(tmp_path, experiment_of(ten_networks(), ssim=lambda key: 0.7 + 0.01 * key.fold))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    table = pd.read_csv(tmp_path / "comparisons.csv").set_index("measure").loc["f1/mlp"]
    row = table[(table["network"] == "inv_hnet") & (table["rotation_weight"] == 0.9)].iloc[0]
    network = Network("inv_hnet", 0.9)
    expected = experiment.against_baseline("f1/mlp")[network]
    assert (row["trainings"], row["comparison"], row["interval"]) == (6, "difference", "paired bootstrap")
    assert row["value"] == pytest.approx(expected.value, rel=1e-4)
    assert (row["low"], row["high"]) == pytest.approx(expected.interval(), rel=1e-4)
    findings = pd.read_csv(tmp_path / "findings.csv")
    text = (tmp_path / "findings.md").read_text(encoding="utf-8")
    assert all(f"| {finding.text} | {finding.verdict} |" in text for finding in findings.itertuples())
    rows = (tmp_path / "comparisons.md").read_text(encoding="utf-8").splitlines()
    assert [with_interval(expected) in row for row in rows if row.startswith(f"| {network.label} |")].count(True) == 1


def test_findings_say_nothing_of_networks_that_learned_nothing(tmp_path: Path) -> None:
    left_out = Network("only_stn", 0.2)
    experiment = experiment_of(ten_networks(), ssim=lambda key: 0.7 + 0.01 * key.fold)
    write_tables(tmp_path, replace(experiment, nothing={left_out: "It learned nothing."}))
    text = (tmp_path / "findings.md").read_text(encoding="utf-8")
    assert f"Left out of the findings: {left_out.label}. It learned nothing." in text
    assert not any("only_stn" in claim and "0.2" in claim for claim in pd.read_csv(tmp_path / "findings.csv")["text"])
    assert pd.read_csv(tmp_path / "comparisons.csv")["network"].eq("only_stn").any()


def test_one_training_of_each_network_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match="every network was trained once"):
        write_tables(tmp_path / "out", experiment_of(ten_networks(folds=[1])))
    assert not (tmp_path / "out").exists()


def test_without_labels_the_other_measures_are_written(tmp_path: Path) -> None:
    labelled = experiment_of(ten_networks(folds=(1, 2)), ssim=lambda key: 0.7 + 0.01 * key.fold)
    rows = labelled.rows[labelled.rows["measure"] == "ssim"]
    write_tables(tmp_path, replace(labelled, rows=rows, predictions=labelled.predictions.iloc[:0]))
    assert set(pd.read_csv(tmp_path / "comparisons.csv")["measure"]) == {"ssim"}
    assert not (tmp_path / "f1.svg").exists()
