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


def test_the_next_slide_with_work_left_is_opened_and_one_without_is_passed_over(page: Any) -> None:
    page.press("w")
    page.until(lambda: page.text(".slide-row[aria-current] .name") == "smear 2")
    page.press(Keys.HOME, "k", "k", "k", "k")
    page.saved(4)
    page.until(lambda: "All cells of this slide are checked" in page.text(".hint"))
    page.press("w")
    page.until(lambda: page.text(".slide-row[aria-current] .name") == "smear")
    page.press("w")
    page.until(lambda: page.text(".hint") == "All cells of the other slides are checked.")
    assert page.text(".slide-row[aria-current] .name") == "smear"


def test_what_training_needs_fills_up_while_cells_are_labelled(page: Any) -> None:
    page.press("L", Keys.HOME)
    rows = "return [...document.querySelectorAll('.need')].map(r => [...r.children].slice(0, 2)"
    rows += ".map(part => part.textContent).join(': '))"
    page.until(lambda: "Slides with labels: 0 of 8" in page.browser.execute_script(rows))
    assert "Slides without labels: 2 of 6" in page.browser.execute_script(rows)
    page.press("1", "1", "2")
    page.saved(3)
    page.until(lambda: "promyelocyte: 2 of 7" in page.browser.execute_script(rows))
    assert {"Slides with labels: 1 of 8", "Slides without labels: 1 of 6", "myelocyte: 1 of 7"} <= {
        *page.browser.execute_script(rows)
    }
