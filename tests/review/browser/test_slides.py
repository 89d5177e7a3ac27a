"""A study with two slides: progress, and the way from one slide to the next."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.usefixtures("second")


def progress(page: Any) -> list[str]:
    return [count.text for count in page.all(".slide-row .count")]


def test_the_progress_of_a_slide_stays_after_another_is_opened(page: Any) -> None:
    assert progress(page) == ["0 / 12 checked", "0 / 4 checked"]
    page.press(Keys.HOME, "k", "k", "x")
    page.press("]")
    page.until(lambda: page.text(".slide-row[aria-current] .name") == "smear 2")
    assert progress(page) == ["3 / 12 checked", "0 / 4 checked"]
    page.press(Keys.HOME, "k")
    page.press("[")
    page.saved(4)
    assert progress(page) == ["3 / 12 checked", "1 / 4 checked"]
