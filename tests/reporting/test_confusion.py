import pandas as pd

from orbicyte.reporting.confusion import confusion_figures
from orbicyte.reporting.figures import report_style
from orbicyte.reporting.networks import Network
from orbicyte.reporting.values import Values


def values(**f1: float) -> Values:
    rows = []
    for name, value in f1.items():
        network, _, weight = name.partition("_w")
        about = (network, float(weight) / 10 if weight else None)
        rows += [(*about, "f1/mlp", "", value)]
        rows += [(*about, "confusion/mlp", f"{a}\t{b}", 5.0) for a in "xy" for b in "xy"]
    table = pd.DataFrame(rows, columns=["network", "rotation_weight", "measure", "type", "value"])
    return Values(table.assign(angle_deg=None))


def test_the_network_with_the_highest_f1_is_first_at_its_own_weight() -> None:
    with report_style():
        figures = confusion_figures(values(baseline=0.5, other_w2=0.6, other_w5=0.55, third_w5=0.4), "mlp")
    assert [figure.name for figure in figures] == ["confusion-other", "confusion-baseline", "confusion-third"]
    assert figures[0].title == "Confusion matrix: other, w = 0.2, the network with the highest F1".replace(
        "w = ", "w\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )
    assert "a little too high" in figures[0].caption
    assert "a little too high" not in figures[1].caption


def test_a_network_alone_is_not_the_best_of_any() -> None:
    with report_style():
        (figure,) = confusion_figures(values(baseline=0.5), "mlp")
    assert figure.title == "Confusion matrix: baseline"


def test_networks_that_learned_nothing_are_not_the_best() -> None:
    nothing = [Network("other", 0.5)]
    with report_style():
        figures = confusion_figures(values(baseline=0.5, other_w5=0.6), "mlp", nothing)
        none = confusion_figures(values(baseline=0.5, other_w5=0.6), "mlp", [*nothing, Network("baseline")])
    assert figures[0].title == "Confusion matrix: baseline, the network with the highest F1"
    assert not any("highest F1" in figure.title for figure in none)
