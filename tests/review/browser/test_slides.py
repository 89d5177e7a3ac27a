"""A study with two slides: progress, and the way from one slide to the next."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.usefixtures("second")


def progress(page: Any) -> list[str]:
    return [count.text for count in page.all(".slide-row .count")]


def opened(page: Any, slide: str) -> bool:
    """Whether the slide is open, with its cells."""
    return page.text(".slide-row[aria-current] .name") == slide and bool(page.loaded())


def test_the_progress_of_a_slide_stays_after_another_is_opened(page: Any) -> None:
    assert progress(page) == ["0 / 12 checked", "0 / 4 checked"]
    page.press(Keys.HOME, "k", "k", "x")
    page.press("]")
    page.until(lambda: opened(page, "smear 2"))
    assert progress(page) == ["3 / 12 checked", "0 / 4 checked"]
    page.press(Keys.HOME, "k")
    page.saved(4)
    page.press("[")
    page.until(lambda: opened(page, "smear"))
    assert progress(page) == ["3 / 12 checked", "1 / 4 checked"]


def test_the_next_slide_with_work_left_is_opened_and_one_without_is_passed_over(page: Any) -> None:
    page.press("w")
    page.until(lambda: opened(page, "smear 2"))
    page.press(Keys.HOME, "k", "k", "k", "k")
    page.saved(4)
    page.until(lambda: "All cells of this slide are checked" in page.text(".hint"))
    page.press("w")
    page.until(lambda: opened(page, "smear"))
    page.press("w")
    page.until(lambda: page.text(".hint") == "All cells of the other slides are checked.")
    assert page.text(".slide-row[aria-current] .name") == "smear"


def test_what_training_needs_fills_up_while_cells_are_labelled(page: Any) -> None:
    page.press("L", Keys.HOME)
    rows = "return [...document.querySelectorAll('.need')].map(r => [...r.children].slice(0, 2)"
    rows += ".map(part => part.textContent).join(': '))"
    page.until(lambda: "Slides with labels: 0 / 8" in page.browser.execute_script(rows))
    assert "Slides without labels: 2 / 6" in page.browser.execute_script(rows)
    page.press("1", "1", "2")
    page.saved(3)
    panel = page.one(".needs")
    page.browser.execute_script("arguments[0].open = false; arguments[0].firstChild.focus()", panel)
    page.until(lambda: "promyelocyte: 2 / 7" in page.browser.execute_script(rows))
    page.press(Keys.ENTER)  # on the panel's title, not a decision about the selected cell
    page.until(lambda: panel.get_attribute("open"))
    assert not page.one(".hint").is_displayed()
    assert {"Slides with labels: 1 / 8", "Slides without labels: 1 / 6", "myelocyte: 1 / 7"} <= {
        *page.browser.execute_script(rows)
    }


def test_undo_of_a_step_on_another_slide_opens_it_and_says_what_it_did(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k", "k")
    page.saved(2)
    undo = next(button for button in page.all(".top button") if button.text == "Undo")
    page.until(lambda: undo.get_attribute("title") == "Undo: kept 1 cell on smear (Ctrl+Z)")
    page.press("]")
    page.until(lambda: opened(page, "smear 2"))
    page.press("L")
    page.until(lambda: page.one(".label-view").is_displayed())
    page.chord(Keys.CONTROL, "z")
    page.until(lambda: page.text(".hint") == "Undone: kept 1 cell on smear")
    page.saved(3)
    assert page.text(".slide-row[aria-current] .name") == "smear"
    page.until(lambda: page.one(".check").is_displayed() and page.current() == ids[1])
    redo = next(button for button in page.all(".top button") if button.text == "Redo")
    page.until(lambda: redo.get_attribute("title").startswith("Redo: kept 1 cell on smear"))
    page.chord(Keys.CONTROL, "z")
    page.saved(4)
    page.until(lambda: undo.get_attribute("title") == "Nothing to undo")


def test_slide_and_view_stay_after_a_reload_and_are_a_link(page: Any) -> None:
    page.press("]")
    page.until(lambda: opened(page, "smear 2"))
    page.press("L")
    page.until(lambda: page.browser.current_url.endswith("#slide=smear+2&view=label"))
    page.browser.refresh()
    page.until(lambda: page.all(".label-view .crop:not([hidden])"))
    assert page.text(".slide-row[aria-current] .name") == "smear 2"
    page.browser.execute_script("location.hash = '#slide=smear&view=check'")
    page.until(lambda: page.one(".check").is_displayed() and page.text(".slide-row[aria-current] .name") == "smear")
