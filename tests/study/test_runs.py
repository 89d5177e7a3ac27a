import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.presets import paper
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.study.files import read_json, write_json
from orbicyte.study.runs import RunFolder, RunKey, mixed_versions

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> RunFolder:
    """A copy of a trained run for each test."""
    return RunFolder(Path(shutil.copytree(trained / "runs" / RUN, tmp_path / RUN)))


def change(folder: RunFolder, **values: object) -> None:
    write_json(folder.path / "run.json", read_json(folder.path / "run.json") | values)


def test_folder_names_are_distinct() -> None:
    assert RunKey("only_stn", 0.5, 0, 1).folder_name == RUN
    assert RunKey("only_stn", 0.25, 3, 2).folder_name == "only_stn-w0.25-fold2-seed3"
    assert RunKey("baseline", None, 0, 1).folder_name == "baseline-fold1-seed0"


def test_a_copied_run_folder_is_complete(folder: RunFolder, tiny: Settings) -> None:
    """A copy outside its study contains everything about the run."""
    assert folder.record().settings == tiny
    assert folder.record().key == RunKey("only_stn", 0.5, 0, 1)
    assert folder.record().view.size_px == tiny.network.size_px


def test_a_study_given_as_a_run_is_an_error_with_the_names_of_its_runs(trained: Path) -> None:
    with pytest.raises(
        OrbicyteError, match=f"it is a study: give one of its runs, such as {trained / 'runs'}/baseline"
    ):
        RunFolder(trained).record()


def test_newer_damaged_and_missing_records_are_one_line_errors(folder: RunFolder, tmp_path: Path) -> None:
    change(folder, format=99)
    with pytest.raises(OrbicyteError, match="format 99, this orbicyte reads up to 2: install a newer orbicyte"):
        folder.record()
    (folder.path / "run.json").write_text('{"format": 1')
    with pytest.raises(OrbicyteError, match=r"cannot read .*run.json"):
        folder.record()
    with pytest.raises(OrbicyteError, match="nowhere does not exist: expected a run folder"):
        RunFolder(tmp_path / "nowhere").record()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": None}, "is damaged: data"),
        ({"view": {"side_px": 32}}, "is damaged: view.view_px"),
        ({"state": "perhaps"}, "is damaged: state"),
        ({"settings": None}, "it has no settings"),
    ],
)
def test_a_record_with_wrong_values_is_a_one_line_error_with_the_field(
    values: dict[str, object], message: str, folder: RunFolder
) -> None:
    change(folder, **values)
    with pytest.raises(OrbicyteError, match=message) as caught:
        folder.record()
    assert "\n" not in str(caught.value)


def test_a_record_can_be_written_and_read(folder: RunFolder) -> None:
    changed = replace(folder.record(), state="training", warnings=["µ"], mpp=0.1)
    folder.write(changed)
    assert folder.record() == changed
    assert not folder.done()


def test_settings_added_later_have_the_values_of_the_preset(folder: RunFolder) -> None:
    settings = paper().model_dump(mode="json")
    for name in ("harmonic_widths", "harmonic_kernel_px"):
        del settings["network"][name]
    change(folder, settings=settings)
    assert folder.record().settings == paper()


def test_framed_hnet_without_widths_of_its_own_has_those_of_the_others(folder: RunFolder) -> None:
    settings = folder.record().settings.model_dump(mode="json")
    del settings["network"]["framed_widths"]
    settings["network"]["harmonic_widths"] = [14, 20]
    change(folder, settings=settings)
    assert folder.record().settings.network.framed_widths == (14, 20)


@pytest.mark.parametrize("kept", ["nothing", "no settings of networks", "some settings of networks"])
def test_settings_of_harmonic_encoders_that_are_absent_have_the_values_before_they_existed(
    kept: str, folder: RunFolder
) -> None:
    settings = folder.record().settings.model_dump(mode="json")
    network = {name: value for name, value in settings["network"].items() if name not in NetworkSettings.FORMER}
    contents = {
        "nothing": {"preset": "quick"},
        "no settings of networks": settings | {"network": {}},
        "some settings of networks": settings | {"network": network},
    }
    change(folder, settings=contents[kept])
    found = folder.record().settings.network.model_dump()
    assert {name: found[name] for name in NetworkSettings.FORMER} == NetworkSettings.FORMER


def test_an_unknown_setting_is_an_error_with_its_file(folder: RunFolder) -> None:
    settings = folder.record().settings.model_dump(mode="json")
    change(folder, settings=settings | {"loss": settings["loss"] | {"gamma": 1}})
    with pytest.raises(OrbicyteError, match=r"run.json loss\.gamma"):
        folder.record()


def test_runs_of_different_versions_are_counted(folder: RunFolder) -> None:
    versions = {name: folder.record().versions | {"torch": "2.13.0"} for name in "abcde"}
    assert mixed_versions(versions, "trained") == []
    versions["e"] = versions["e"] | {"torch": "2.14.1"}
    assert mixed_versions(versions, "trained") == [
        "runs were trained with different versions of torch: 2.13.0 in 4; 2.14.1 in 1 (e)"
    ]
    versions["e"] = {}  # of an older release
    assert mixed_versions(versions, "trained") == []
