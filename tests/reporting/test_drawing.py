"""SVG that is whole, the same every time, and free of the user's settings."""

from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from orbicyte.reporting.drawing import figure, look, scale_values, svg, wants_log
from orbicyte.reporting.section import Illustration


def drawn(text: str = "title") -> str:
    """A small figure with an image, a clip path and ``text``."""
    with look():
        picture = figure(2)
        axes = picture.subplots()
        axes.imshow(np.zeros((4, 4, 3), np.uint8))
        axes.set_title(text)
        return svg(picture)


def test_the_same_figure_has_the_same_bytes_whatever_the_users_settings() -> None:
    first = drawn()
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "text.usetex": False}):
        assert drawn() == first
    assert "<dc:date>" not in first


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a -- b", "$x_1$ & $", "細胞", "_hidden"])
def test_any_text_gives_well_formed_xml(text: str) -> None:
    document = drawn(text)
    assert "<script" not in document
    ElementTree.fromstring(document)


def test_the_address_on_the_page_holds_the_whole_figure() -> None:
    from urllib.parse import unquote

    document = drawn("<µ>")
    source = Illustration("name", "title", "caption", document).source
    head, _, content = source.partition(",")
    assert head == "data:image/svg+xml;charset=utf-8"
    assert unquote(content) == document
    assert not set('<>"#\n') & set(content)


def test_a_logarithmic_axis_is_chosen_beyond_one_and_a_half_decades_and_says_so() -> None:
    assert wants_log([1, 40])
    assert not wants_log([1, 30])
    assert not wants_log([0, 1])
    with look():
        logarithmic, linear = figure(2).subplots(1, 2)
        scale_values(logarithmic, [0.1, 50, 0], "KL (nats)")
        scale_values(linear, [2, 3], "KL (nats)")
    assert (logarithmic.get_yscale(), logarithmic.get_ylabel()) == ("log", "KL (nats), log scale")
    assert (linear.get_yscale(), linear.get_ylim()[0]) == ("linear", 0)
