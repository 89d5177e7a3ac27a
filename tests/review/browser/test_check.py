"""Checking cells by keys and by mouse, and the log afterwards."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

CELL_PX = 60
SCALE = 110 / CELL_PX
"""CSS pixels per slide pixel after zooming to a cell."""


def zoom_to_first(page: Any) -> None:
    page.press(Keys.HOME, "z")
    page.until(lambda: page.one(".overlay").get_attribute("data-shows") == "circles")
    page.mouse().pause(0.3).perform()


def test_the_page_asks_for_the_reader_and_events_contain_the_name(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k")
    (event,) = page.saved(1)
    assert (event.who, event.cell, event.kind) == ("Ada", ids[0], "check")
    assert (event.before, event.after) == ({"status": "unchecked"}, {"status": "kept"})


def test_the_most_uncertain_is_first_and_a_decision_goes_to_the_next(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME)
    page.until(lambda: page.current() == ids[0])
    page.press("k", "x", Keys.ENTER)
    page.until(lambda: page.current() == ids[3])
    events = page.saved(3)
    assert [event.cell for event in events] == ids[:3]
    assert [event.after["status"] for event in events] == ["kept", "rejected", "kept"]


def test_a_crop_is_selected_and_rejected_by_mouse(page: Any, ids: list[str]) -> None:
    page.crop(ids[4]).click()
    page.button("Reject").click()
    (event,) = page.saved(1)
    assert (event.cell, event.after) == (ids[4], {"status": "rejected"})
    page.until(lambda: "rejected" in page.crop(ids[4]).get_attribute("class"))


def test_shift_and_control_select_several_which_are_one_step(page: Any, ids: list[str]) -> None:
    page.crop(ids[1]).click()
    page.mouse().key_down(Keys.SHIFT).click(page.crop(ids[3])).key_up(Keys.SHIFT).perform()
    page.mouse().key_down(Keys.CONTROL).click(page.crop(ids[6])).click(page.crop(ids[2])).key_up(Keys.CONTROL).perform()
    page.press("k")
    events = page.saved(3)
    assert {event.cell for event in events} == {ids[1], ids[3], ids[6]}
    assert len({event.batch for event in events}) == 1


def test_a_rectangle_over_crops_selects_them(page: Any, ids: list[str]) -> None:
    start = page.crop(ids[0])
    page.mouse().move_to_element(start).click_and_hold().move_by_offset(100, 30).release().perform()
    page.press("x")
    assert {event.cell for event in page.saved(2)} == set(ids[:2])


def test_a_crop_moves_the_slide_to_its_cell_and_a_click_on_the_slide_selects_the_crop(
    page: Any, ids: list[str]
) -> None:
    zoom_to_first(page)
    page.press(Keys.ESCAPE)
    page.until(lambda: page.current() is None)
    page.slide().click()
    page.until(lambda: page.current() == ids[0])


def drag(page: Any, right: int, down: int, *held: str, start: tuple[int, int] = (0, 0)) -> None:
    chain = page.mouse().move_to_element_with_offset(page.slide(), *start)
    for key in held:
        chain.key_down(key)
    chain.click_and_hold().move_by_offset(right, down).release()
    for key in held:
        chain.key_up(key)
    chain.perform()


def test_the_selected_cell_is_dragged_to_another_position_with_shift_only(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    drag(page, 66, -44, Keys.SHIFT)
    (event,) = page.saved(1)
    assert (event.cell, event.kind) == (ids[0], "move")
    assert event.after["x_px"] - event.before["x_px"] == pytest.approx(66 / SCALE, abs=0.5)
    assert event.after["y_px"] - event.before["y_px"] == pytest.approx(-44 / SCALE, abs=0.5)
    drag(page, 40, 40, start=(66, -44))  # pans, although it starts on the cell
    page.press("x")
    assert [one.kind for one in page.saved(2)] == ["move", "check"]


def test_a_double_click_zooms_and_changes_nothing(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    scale = page.one(".slide").get_attribute("data-scale")
    page.mouse().move_to_element_with_offset(page.slide(), 150, 120).double_click().perform()
    page.until(lambda: float(page.one(".slide").get_attribute("data-scale")) > 1.5 * float(scale))
    assert not page.events()


def test_arrow_keys_move_by_pixels_in_one_step_after_s_only(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    page.slide().click()
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.current() == ids[1])
    page.press(Keys.ARROW_LEFT, "s", *[Keys.ARROW_RIGHT] * 3)
    page.chord(Keys.SHIFT, Keys.ARROW_DOWN)
    assert page.text(".mode") == "Arrows move the cell; Esc ends"
    page.press("k", Keys.ARROW_RIGHT)
    moved, kept = page.saved(2)
    assert (moved.cell, kept.cell, kept.kind) == (ids[0], ids[0], "check")
    assert moved.after == {"x_px": moved.before["x_px"] + 3, "y_px": moved.before["y_px"] + 10}
    page.until(lambda: page.current() == ids[2])
    assert not page.text(".mode")


def test_a_cell_is_enlarged_by_key_and_by_its_rim(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    page.press(".", ".")
    (event,) = page.saved(1)
    assert event.kind == "resize"
    assert event.after["diameter_px"] > event.before["diameter_px"] == pytest.approx(CELL_PX)
    rim = round(event.after["diameter_px"] / 2 * SCALE)
    drag(page, 22, 0, Keys.SHIFT, start=(rim, 0))
    event = page.saved(2)[1]
    assert (event.cell, event.kind) == (ids[0], "resize")
    assert event.after["diameter_px"] - event.before["diameter_px"] == pytest.approx(2 * 22 / SCALE, abs=1)


def test_a_cell_is_added_by_click_and_by_keys_next_to_the_current_crop(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    page.press("a")
    page.mouse().move_to_element_with_offset(page.slide(), 150, 120).click().perform()
    (event,) = page.saved(1)
    assert event.kind == "add"
    assert event.after["status"] == "kept"
    assert event.after["x_px"] == pytest.approx(150 + 150 / SCALE, abs=1)
    assert event.after["y_px"] == pytest.approx(170 + 120 / SCALE, abs=1)
    page.until(lambda: page.current() == event.cell)
    page.until(lambda: page.crop(event.cell).get_attribute("aria-posinset") == "2")
    page.press("a", *[Keys.ARROW_LEFT] * 12, Keys.ENTER)
    assert page.saved(2)[1].kind == "add"
    assert page.saved(2)[1].cell != event.cell


def test_plus_and_minus_zoom_the_slide(page: Any) -> None:
    zoom_to_first(page)
    scale = [float(page.one(".slide").get_attribute("data-scale"))]
    for key in ("+", "-"):
        page.press(key)
        page.mouse().pause(0.6).perform()
        scale.append(float(page.one(".slide").get_attribute("data-scale")))
    assert scale[1] == pytest.approx(1.5 * scale[0], rel=0.02)
    assert scale[2] == pytest.approx(scale[0], rel=0.02)
    assert not page.events()


def test_a_key_for_the_selected_cell_gets_a_hint_without_one(page: Any, ids: list[str]) -> None:
    page.press(Keys.ESCAPE)
    for key in ("k", ".", ",", "s", "z"):
        page.browser.execute_script("document.querySelector('.hint').hidden = true")
        page.press(key)
        page.until(lambda: page.one(".hint").is_displayed())
        assert "No cell is selected" in page.text(".hint")
    page.press("n", "k")
    assert [event.cell for event in page.saved(1)] == ids[:1]


def test_backspace_resets_and_the_number_of_selected_cells_is_shown(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k", Keys.HOME)
    page.chord(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert page.text(".check .about").startswith("cell 2 of 12 · 2 selected")
    page.press(Keys.BACKSPACE)
    events = page.saved(3)
    assert {event.cell for event in events[1:]} == set(ids[:2])
    assert {event.after["status"] for event in events[1:]} == {"unchecked"}


def test_undo_and_redo_of_a_decision(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k")
    page.saved(1)
    page.chord(Keys.CONTROL, "z")
    undone = page.saved(2)[1]
    assert (undone.kind, undone.of, undone.after) == ("undo", 1, {"status": "unchecked"})
    page.until(lambda: "unchecked" in page.crop(ids[0]).get_attribute("class"))
    page.chord(Keys.CONTROL, Keys.SHIFT, "z")
    assert page.saved(3)[2].after == {"status": "kept"}
    page.until(lambda: " kept" in page.crop(ids[0]).get_attribute("class"))


def test_undoing_an_added_cell_removes_it(page: Any) -> None:
    page.press("a", Keys.ENTER)
    added = page.saved(1)[0].cell
    page.chord(Keys.CONTROL, "z")
    assert page.saved(2)[1].after["status"] == "removed"
    page.until(lambda: "removed" in page.crop(added).get_attribute("class"))


def test_all_decisions_are_shown_after_a_reload(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k", "x")
    page.press("a", Keys.ENTER)
    added = page.saved(3)[2].cell
    page.browser.refresh()
    page.until(page.loaded)
    page.one("select[aria-label=Show] option[value=all]").click()
    page.until(lambda: "kept" in page.crop(ids[0]).get_attribute("class"))
    assert "rejected" in page.crop(ids[1]).get_attribute("class")
    assert "kept" in page.crop(added).get_attribute("class")


def test_crops_and_tiles_come_from_the_server(page: Any) -> None:
    shown = "return [...document.querySelectorAll('.crop:not([hidden]) img')].every(i => i.complete && i.naturalWidth)"
    page.until(lambda: page.browser.execute_script(shown))
    fetched = "return performance.getEntriesByType('resource').filter(e => e.name.includes('/tiles/')).length"
    page.until(lambda: page.browser.execute_script(fetched))


def test_the_help_lists_all_keys_and_closes(page: Any) -> None:
    page.press("?")
    assert "Keep, then next" in page.one("dialog.help").text
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all("dialog"))


def test_the_position_in_the_list_and_the_pace_are_shown(page: Any) -> None:
    page.press(Keys.HOME, Keys.ARROW_RIGHT)
    page.until(lambda: page.text(".check .about") == "cell 2 of 12 · 1 selected · 12 unchecked")
    for _ in range(7):
        page.press("k")
        page.mouse().pause(0.05).perform()
    page.saved(7)
    page.until(lambda: "cells per minute, about 1 min left on this slide" in page.text(".pace"))


def test_the_scale_bar_shows_a_length_and_the_ruler_a_distance(page: Any, ids: list[str]) -> None:
    zoom_to_first(page)
    page.until(lambda: "µm" in page.text(".scale-bar"))
    um = float(page.text(".scale-bar").split(" µm")[0])
    width = page.browser.execute_script("return document.querySelector('.scale-bar i').getBoundingClientRect().width")
    assert width == pytest.approx(um / 0.25 * SCALE, rel=0.01)
    page.press("m")
    drag(page, 110, 0)
    line = page.until(lambda: page.one(".overlay").get_attribute("data-measured"))
    assert line == "15 µm"
    page.press(Keys.ESCAPE, "k")
    assert [(event.cell, event.kind) for event in page.saved(1)] == [(ids[0], "check")]
