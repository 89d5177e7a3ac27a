import pytest
from typer.testing import CliRunner

from orbicyte.cli import app
from orbicyte.presets import preset
from orbicyte.setting_list import described
from orbicyte.settings import Settings


@pytest.mark.parametrize("name", ["quick", "paper"])
def test_every_setting_has_a_type_and_a_reason_and_its_text_gives_its_value_again(name: str) -> None:
    settings = preset(name)
    found = described(settings)
    assert all(len(setting.type) >= 3 and setting.reason.endswith(".") for setting in found)
    assert settings.changed([f"{setting.name}={setting.value}" for setting in found]) == settings
    sections = settings.model_dump(exclude={"preset"})
    assert len(found) == sum(len(part) if isinstance(part, dict) else 1 for part in sections.values())


def test_types_have_their_ranges() -> None:
    (clip,) = described(Settings(), "gradient_clip")
    assert (clip.name, clip.type, clip.value) == ("training.gradient_clip", "float >= 0, <= 1000000000.0", "0.0")
    (form,) = described(Settings(), "centre_form")
    assert form.type == "gaussian | linear | flat"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_command_prints_them_within_the_terminal(columns: str) -> None:
    text = CliRunner().invoke(app, ["settings", "loss.beta"], env={"COLUMNS": columns}).stdout
    assert text.startswith("loss.beta=1.0  (float >= 0,")
    every = CliRunner().invoke(app, ["settings", "--preset", "paper"], env={"COLUMNS": columns}).stdout
    assert "network.size_px=256  (int >= 16, <= 1024, multiple of 16)" in every
    assert max(map(len, every.splitlines())) <= int(columns)
    assert CliRunner().invoke(app, ["settings", "magic"]).exit_code == 2
