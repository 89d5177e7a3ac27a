"""SVG that is complete, the same every time, and independent of the user's settings."""

from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from orbicyte.reporting.figures import new_figure, report_style, scale_values, svg, wants_log
from orbicyte.reporting.section import Illustration


def example(text: str = "title") -> str:
    """A small figure with an image, a clip path and ``text``."""
    with report_style():
        figure = new_figure(2)
        axes = figure.subplots()
        axes.imshow(np.zeros((4, 4, 3), np.uint8))
        axes.set_title(text)
        return svg(figure)


def test_the_same_figure_has_the_same_bytes_for_any_settings_of_the_user() -> None:
    first = example()
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "text.usetex": False}):
        assert example() == first
    assert "<dc:date>" not in first


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a -- b", "$x_1$ & $", "細胞", "_hidden"])
def test_any_text_gives_well_formed_xml(text: str) -> None:
    document = example(text)
    assert "<script" not in document
    ElementTree.fromstring(document)


def test_the_data_url_on_the_page_contains_the_whole_figure() -> None:
    from urllib.parse import unquote

    document = example("<µ>")
    source = Illustration("name", "title", "caption", document).source
    head, _, content = source.partition(",")
    assert head == "data:image/svg+xml;charset=utf-8"
    assert unquote(content) == document
    assert not set('<>"#\n') & set(content)


def test_an_axis_is_logarithmic_beyond_one_and_a_half_decades_and_its_label_states_it() -> None:
    assert wants_log([1, 40])
    assert not wants_log([1, 30])
    assert not wants_log([0, 1])
    with report_style():
        logarithmic, linear = new_figure(2).subplots(1, 2)
        scale_values(logarithmic, [1e-9, 50, 0], "KL (nats)")
        scale_values(linear, [2, 3], "KL (nats)")
    assert (logarithmic.get_yscale(), logarithmic.get_ylabel()) == ("log", "KL (nats), log scale")
    assert logarithmic.get_ylim()[0] < 1e-9
    assert (linear.get_yscale(), linear.get_ylim()[0]) == ("linear", 0)
