from pathlib import Path

import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.presets import quick
from orbicyte.review.cells import reviewed_cells
from orbicyte.settings import Settings
from orbicyte.stages import demo as stage
from orbicyte.stages.demo import demo, demo_settings
from orbicyte.study import Study


@pytest.fixture
def small(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "SLIDES", 6)
    monkeypatch.setattr(stage, "CELLS", 20)
    monkeypatch.setattr(stage, "PAPER_CELLS", 20)
    monkeypatch.setattr(stage, "PATCH_PX", 32)
    monkeypatch.setattr(stage, "PAPER_NETWORKS", ("baseline", "only_stn"))
    budget = tiny.changed(["training.max_epochs=1"])
    monkeypatch.setattr(stage, "demo_settings", lambda seed, paper: budget.changed([f"seed={seed}"]))


@pytest.mark.usefixtures("small")
def test_with_the_shipped_network_nothing_is_trained(tmp_path: Path) -> None:
    page = demo(tmp_path / "demo", seed=3)
    study = Study.open(tmp_path / "demo" / "study")
    assert [run.name for run in study.runs()] == ["pretrained"]
    assert "pretrained" in page.read_text()
    counts = pd.read_csv(study.path / "count.csv")
    assert counts["slide"].nunique() == 6
    assert counts.groupby("slide")["percent"].sum().tolist() == pytest.approx([100] * 6, abs=0.01)


@pytest.mark.usefixtures("small")
def test_it_writes_a_report_and_repeating_it_does_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = demo(tmp_path / "demo", paper=True, seed=3)
    assert page == tmp_path / "demo" / "study" / "report.html"
    assert page.stat().st_size > 10_000
    assert [run.name for run in Study.open(tmp_path / "demo" / "study").runs()] == [
        "baseline-fold1-seed3",
        "only_stn-w0.5-fold1-seed3",
    ]
    study = Study.open(tmp_path / "demo" / "study")
    cells = reviewed_cells(study)
    truth = pd.concat([pd.read_parquet(path) for path in (tmp_path / "demo" / "slides").glob("*.truth.parquet")])
    assert (cells["status"] == "kept").sum() == len(truth)
    assert set(cells.loc[cells["label"].notna(), "slide"]) == {"D1", "D3", "D5"}
    before, events = page.read_bytes(), (study.review / "events.sqlite").read_bytes()
    assert "are within their 95 % interval" in capfd.readouterr().err
    demo(tmp_path / "demo", paper=True, seed=3)
    printed = capfd.readouterr().err
    assert "synthetic slides of about" not in printed
    assert "already done: 6 slides" in printed
    assert printed.count("already trained") == 2
    assert (page.read_bytes(), (study.review / "events.sqlite").read_bytes()) == (before, events)


@pytest.mark.usefixtures("small")
def test_interrupted_while_making_slides_it_starts_from_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, **_: object) -> None:
        (folder / "D1.tif").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage, "draw_slides", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo(tmp_path / "demo")
    assert not (tmp_path / "demo" / "slides").exists()


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.txt").write_text("mine")
    with pytest.raises(OrbicyteError, match="not an orbicyte study"):
        demo(tmp_path)
    assert (tmp_path / "study" / "thesis.txt").read_text() == "mine"


def test_its_settings_are_the_quick_ones_except_for_the_budget() -> None:
    for paper in (True, False):
        settings = demo_settings(5, paper)
        assert (settings.preset, settings.seed) == ("quick", 5)
        assert settings.loss == Settings().loss
    assert settings.network == quick().network
