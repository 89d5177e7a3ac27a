"""Labelling cells by keys, blinded to other readers, and the comparison of readers on the page."""

import uuid
from typing import Any

from selenium.webdriver.common.keys import Keys

from orbicyte.review.store import ReviewStore
from orbicyte.study import Study

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
