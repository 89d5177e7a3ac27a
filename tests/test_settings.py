import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orbicyte.errors import OrbicyteError
from orbicyte.settings import Section, Settings, read_settings

SECTIONS = {name: value for name, value in Settings() if isinstance(value, Section)}
FIELDS = [f"{section}.{name}" for section, values in SECTIONS.items() for name in type(values).model_fields]


@given(
    size=st.integers(1, 8).map(lambda n: 64 * n),
    widths=st.lists(st.integers(1, 512), min_size=1, max_size=6).map(tuple),
    rate=st.floats(1e-8, 10),
    seed=st.integers(0, 2**32 - 1),
    likelihood=st.sampled_from(["gaussian", "bernoulli"]),
    rotated=st.booleans(),
)
def test_assigned_values_are_set_and_survive_json(
    size: int, widths: tuple[int, ...], rate: float, seed: int, likelihood: str, rotated: bool
) -> None:
    settings = Settings().changed(
        [
            f"network.size_px={size}",
            f" network.widths = {','.join(map(str, widths))}",
            f"training.learning_rate={rate!r}",
            f"seed={seed}",
            f"loss.likelihood={likelihood}",
            f"network.rotated_views={str(rotated).lower()}",
        ]
    )
    assert (settings.network.size_px, settings.network.widths, settings.seed) == (size, widths, seed)
    assert (settings.training.learning_rate, settings.loss.likelihood) == (rate, likelihood)
    assert settings.network.rotated_views is rotated
    assert read_settings(json.loads(json.dumps(settings.model_dump(mode="json"))), "run.json") == settings


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_accepts_its_own_value_and_no_other_type(name: str) -> None:
    section, _, field = name.partition(".")
    value = getattr(SECTIONS[section], field)
    text = ",".join(map(str, value)) if isinstance(value, tuple) else json.dumps(value)
    assert Settings().changed([f"{name}={text}"]) == Settings()
    if not isinstance(value, str) or name.startswith("loss"):
        with pytest.raises(OrbicyteError, match=rf"--set {name}"):
            Settings().changed([f"{name}=?"])


def test_only_the_given_setting_changes_and_the_last_assignment_counts() -> None:
    changed = Settings().changed(["loss.beta=2", "loss.beta=3"])
    assert changed.model_dump() == {**Settings().model_dump(), "loss": {**Settings().loss.model_dump(), "beta": 3.0}}
    assert Settings().loss.beta == 1.0


@pytest.mark.parametrize("wrong", ["", "seed", "=1", "beta=1", "loss=1", "loss.=1", ".beta=1", "magic.beta=1"])
def test_an_unknown_name_lists_those_of_its_section_or_says_what_lists_all(wrong: str) -> None:
    listed = "the names are loss.likelihood, loss.sigma" if "loss." in wrong else "'orbicyte settings' lists the names"
    with pytest.raises(OrbicyteError, match=rf"section\.name=value .*, got .*{listed}") as caught:
        Settings().changed([wrong])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["loss.beta.x", "Loss.beta", "loss.bete"])
def test_a_misspelled_name_is_corrected(wrong: str) -> None:
    with pytest.raises(OrbicyteError, match=rf"got '{wrong}=1'; did you mean loss\.beta\?$"):
        Settings().changed([f"{wrong}=1"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("seed=-1", "seed: Input should be greater than or equal to 0, got -1"),
        ("network.size_px=40", "multiple of 16, got 40"),
        ("network.widths=4,x", "network.widths"),
        ("training.precision=8", "'32-true', '16-mixed' or 'bf16-mixed'"),
        ("network.harmonic_kernel_px=4", "harmonic_kernel_px must be odd"),
        ("network.harmonic_widths=16,31", "harmonic_widths must be even"),
        ("evaluation.selection_share=1", "less than 1"),
        ("evaluation.angle_step_deg=0", "greater than or equal to 0.5"),
        ("training.learning_rate=", "training.learning_rate"),
    ],
)
def test_a_wrong_value_gives_one_line_with_name_range_and_value(wrong: str, message: str) -> None:
    with pytest.raises(OrbicyteError, match=message) as caught:
        Settings().changed([wrong])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["training.learning_rate=NaN", "loss.beta=NaN", "loss.sigma=nan"])
def test_nan_is_not_accepted(wrong: str) -> None:
    with pytest.raises(OrbicyteError, match=r"got '?nan"):
        Settings().changed([wrong])


def test_an_unknown_setting_in_a_file_is_an_error_with_its_name() -> None:
    with pytest.raises(OrbicyteError, match=r"a/run\.json network\.colours: Extra inputs"):
        read_settings({"network": {"colours": 3}}, "a/run.json")


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().loss.beta = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "assignment", ["network.widths=8,8,8,8,8", "network.pose_widths=4,4,4,4,4", "network.harmonic_widths=4,4,4,4,4,4"]
)
def test_a_size_that_cannot_be_halved_that_often_is_an_error(assignment: str) -> None:
    with pytest.raises(OrbicyteError, match=r"--set network: .*size_px must be a multiple of 32 for .*widths, got 48"):
        Settings().changed(["network.size_px=48", assignment])
