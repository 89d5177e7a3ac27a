"""Labelling cells by keys, blinded to other readers, and the comparison of readers on the page."""

import uuid
from typing import Any

import pandas as pd
import pytest
from selenium.webdriver.common.keys import Keys

from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes
from orbicyte.study.types import write_types

MARKUP = "<img src=x onerror=alert(1)>"


def _event(cell: str, kind: str, after: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "slide": "smear", "cell": cell, "kind": kind, "after": after}


def open_label_view(page: Any) -> None:
    page.press("L")
    page.until(lambda: page.one(".label-view").is_displayed())
    page.press(Keys.HOME)


def test_a_digit_labels_the_cell_and_goes_to_the_next(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.press("1", "0", "u")
    events = page.saved(3)
    assert [event.cell for event in events] == ids[:3]
    assert [event.after["label"] for event in events] == ["promyelocyte", "lymphocyte", "unsure"]
    page.until(lambda: page.current() == ids[3])
    assert page.crop(ids[0]).text == "promyelocyte"


def test_several_are_labelled_in_one_step_and_a_label_is_cleared(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.chord(Keys.SHIFT, Keys.ARROW_RIGHT)
    page.chord(Keys.SHIFT, Keys.ARROW_RIGHT)
    page.press("2")
    events = page.saved(3)
    assert {event.cell for event in events} == set(ids[:3])
    assert len({event.batch for event in events}) == 1
    page.press(Keys.HOME, Keys.BACKSPACE)
    assert page.saved(4)[3].after == {"label": None}


def test_a_label_is_given_by_mouse_and_counted(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.crop(ids[5]).click()
    button = next(button for button in page.all(".type") if "myelocyte" in button.text.split())
    button.click()
    assert page.saved(1)[0].after == {"label": "myelocyte"}
    page.until(lambda: button.text.split()[-1] == "1")


@pytest.fixture
def predicted(reviewed: Study, ids: list[str]) -> list[str]:
    """Gives the cells predicted types, alternating; returns them in the order of ``ids``."""
    types = ["lymphocyte", "myelocyte"] * (len(ids) // 2)
    table = pd.DataFrame({"id": ids, "slide": "smear", "type": types, "probability": 0.9})
    write_types(reviewed, table.assign(out_of_distribution=[True] + [False] * (len(ids) - 1)), "run")
    return types


@pytest.mark.usefixtures("predicted")
class TestPredicted:
    """A study with predicted types."""

    def test_enter_accepts_the_predicted_types_of_the_selected_cells_if_they_are_shown(
        self, page: Any, ids: list[str], predicted: list[str]
    ) -> None:
        open_label_view(page)
        choose(page, "Order", "uncertainty")
        page.press(Keys.HOME, Keys.ENTER)
        page.until(lambda: "Switch on Predictions" in page.text(".hint"))
        page.one(".label-view input[type=checkbox]").click()
        page.press(Keys.HOME)
        page.chord(Keys.SHIFT, Keys.ARROW_RIGHT)
        page.press(Keys.ENTER)
        events = page.saved(2)
        assert [event.after["label"] for event in events] == [predicted[ids.index(event.cell)] for event in events]
        assert len({event.batch for event in events}) == 1
        assert {event.after["label"] for event in events} == {"lymphocyte", "myelocyte"}

    def test_cells_are_filtered_by_predicted_type_and_distribution(
        self, page: Any, ids: list[str], predicted: list[str]
    ) -> None:
        open_label_view(page)
        choose(page, "Predicted type", "as:myelocyte")
        page.until(lambda: sorted(shown(page)) == sorted(ids[1::2]))
        choose(page, "Predicted type", "out_of_distribution")
        page.until(lambda: shown(page) == ids[:1])


def choose(page: Any, label: str, value: str) -> None:
    page.one(f'.label-view select[aria-label="{label}"] option[value="{value}"]').click()


def shown(page: Any) -> list[str]:
    return [crop.get_attribute("data-cell") for crop in page.all(".label-view .crop") if crop.is_displayed()]


def test_a_second_reader_asks_for_the_cells_that_the_first_labelled(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.press("1", "2")
    page.saved(2)
    page.become("Bo")
    choose(page, "Show", "by:Ada")
    page.until(lambda: sorted(shown(page)) == sorted(ids[:2]))
    assert not any(crop.text for crop in page.all(".label-view .crop") if crop.is_displayed())


def test_the_cell_is_marked_and_larger_in_the_preview_than_in_the_grid(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.until(lambda: page.one(".large img").get_attribute("src"))
    size = "return arguments[0].getBoundingClientRect().width"
    crop = page.crop(ids[0])
    of_crop, of_large = (page.browser.execute_script(size, one) for one in (crop, page.one(".large")))
    assert of_large > 1.5 * of_crop
    for selector, side in ((f'.crop[data-cell="{ids[0]}"] .target', of_crop), (".large .target", of_large)):
        corners = next(one for one in page.all(selector) if one.is_displayed())
        # The cell has 15 of 24 µm, and the corners are a little outside.
        assert page.browser.execute_script(size, corners) == pytest.approx(1.2 * 15 / 24 * side, abs=2)


@pytest.fixture
def fifteen(reviewed: Study) -> None:
    """Gives the study fifteen types."""
    choose_classes(reviewed, [f"a long name of type {number}" for number in range(15)], [])


@pytest.mark.usefixtures("fifteen", "predicted")
class TestFifteen:
    """A study with fifteen types in a small window."""

    def test_all_types_and_toolbars_fit_a_small_window(self, page: Any) -> None:
        small = {"width": 1024, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
        try:
            page.browser.refresh()
            page.until(page.loaded)
            heights = "return [...document.querySelectorAll('.tools, .choices')].map(bar => bar.offsetHeight)"
            assert max(page.browser.execute_script(heights)) < 80  # two lines
            page.press("?")
            assert page.browser.execute_script("return document.querySelector('dialog').scrollTop") == 0
            assert page.one("dialog h2").is_displayed()
            page.press(Keys.ESCAPE, "L")
            page.until(lambda: page.one(".label-view").is_displayed())
            assert max(page.browser.execute_script(heights)) < 80
            rows = "return [...document.querySelectorAll('.type')].map(row => row.getBoundingClientRect().bottom)"
            bottoms = page.browser.execute_script(rows)
            assert len(bottoms) == 15 + 4
            assert max(bottoms) < 700 - 28  # above the line at the bottom
        finally:
            page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_rejected_cells_are_not_shown(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "x")
    page.saved(1)
    open_label_view(page)
    shown = [crop.get_attribute("data-cell") for crop in page.all(".label-view .crop") if crop.is_displayed()]
    assert sorted(shown) == sorted(ids[1:])


def test_a_second_reader_does_not_see_the_labels_of_the_first(page: Any, ids: list[str]) -> None:
    open_label_view(page)
    page.press("1", "2")
    page.saved(2)
    page.become(MARKUP)
    page.until(lambda: page.all(f'.crop[data-cell="{ids[0]}"] .caption') and not page.crop(ids[0]).text)
    page.press(Keys.HOME, "3", "2")
    page.saved(4)
    page.press("A")
    page.until(lambda: page.all(".pair"))
    assert sorted(page.one(".pair h3").text.split(" and ")) == sorted(["Ada", MARKUP])
    assert [figure.text for figure in page.all(".figures dd")] == ["–", "–", "2"]
    assert "once both have labelled 20" in page.one(".pair .none").text
    assert not page.all(".confusion, img[src=x]")


def test_twenty_cells_in_common_show_the_agreement_of_two_readers(page: Any, reviewed: Study, ids: list[str]) -> None:
    added = [str(uuid.uuid4()) for _ in range(20 - len(ids))]
    with ReviewStore.open(reviewed) as store:
        circle = {"x_px": 700.0, "y_px": 800.0, "diameter_px": 60.0}
        store.append("Ada", [_event(id_, "add", circle) for id_ in added])
        for reader, other in (("Ada", "myelocyte"), (MARKUP, "lymphocyte")):
            labels = ["lymphocyte"] * 10 + [other] * 10
            store.append(
                reader, [_event(id_, "name", {"label": label}) for id_, label in zip(ids + added, labels, strict=True)]
            )
    page.press("A")
    page.until(lambda: page.all(".confusion"))
    assert [figure.text for figure in page.all(".figures dd")] == ["0.00", "50.0 %", "20"]
    assert not page.all("img[src=x]")
    assert [head.text for head in page.all(".confusion tbody th")] == ["myelocyte", "lymphocyte"]
    page.until(lambda: len(page.all(".compared-crop")) == 10)
    assert page.one(".compared h4").text == "Disagreements (10)"
    next(button for button in page.all(".confusion .same button") if button.text == "10").click()
    page.until(lambda: "lymphocyte" in page.one(".compared h4").text)
    crops = page.until(lambda: page.all(".compared-crop"))
    assert {crop.get_attribute("data-cell") for crop in crops} == set(ids[:10])
    cell = crops[0].get_attribute("data-cell")
    crops[0].click()
    page.until(lambda: page.one(".check").is_displayed() and page.current() == cell)
