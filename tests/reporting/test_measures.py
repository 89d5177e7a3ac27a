import pytest

from orbicyte.reporting.measures import describe


@pytest.mark.parametrize(
    ("measure", "title", "better"),
    [
        ("f1/mlp", "Macro F1 (0 to 1): shallow network", "higher"),
        ("rotation_kl/ratio", "Rotation KL / KL between different cells", "lower"),
        (
            "every_angle_f1/linear/multiples_of_90",
            "Macro F1, correct only if correct at every angle: linear classifier, multiples of 90° only",
            "higher",
        ),
        ("of_a_plug_in/mlp", "of_a_plug_in/mlp", ""),
        ("f1/of_a_plug_in", "f1/of_a_plug_in", ""),
    ],
)
def test_the_parts_of_a_known_measure_are_described_and_an_unknown_one_has_its_name(
    measure: str, title: str, better: str
) -> None:
    assert (describe(measure).title, describe(measure).better) == (title, better)
