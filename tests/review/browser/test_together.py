"""Two windows, a server that does not answer or refuses, labels with markup, and pages of other sites."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from selenium.webdriver.common.keys import Keys

from orbicyte.study import Study
from orbicyte.study.cells import cell_id, read_cells, write_cells
from orbicyte.study.classes import choose_classes

MARKUP = "<img src=x onerror=document.title='hacked'>"


def test_two_windows_see_each_other_and_both_are_in_the_log(page: Any, ids: list[str]) -> None:
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    page.browser.get(page.address)
    page.until(page.loaded)
    page.become("Bo")
    page.press(Keys.HOME, "k")
    page.saved(1)
    second = page.browser.current_window_handle
    page.browser.switch_to.window(first)
    page.until(lambda: "kept" in page.crop(ids[0]).get_attribute("class").split())
    assert page.text(".news") == "Bo kept a cell"
    page.press(Keys.HOME, "x")
    page.saved(2)
    page.browser.close()
    page.browser.switch_to.window(second)
    page.until(lambda: "rejected" in page.crop(ids[0]).get_attribute("class").split())
    assert [(event.who, event.after["status"]) for event in page.events()] == [("Bo", "kept"), ("Ada", "rejected")]


def test_a_reader_whose_name_differs_in_case_is_offered_the_known_one(page: Any, ids: list[str]) -> None:
    page.press(Keys.HOME, "k")
    page.saved(1)
    page.browser.execute_script("localStorage.clear(); sessionStorage.clear()")
    page.browser.refresh()
    page.until(lambda: page.all("dialog input"))
    page.press("ada", Keys.ENTER)
    page.until(lambda: page.one(".offer").is_displayed())
    page.button("I am Ada").click()
    page.until(lambda: page.text(".reader") == "Ada")
    page.one(".reader").click()
    page.press("ADA", Keys.ENTER)
    page.button("No, I am ADA").click()
    page.until(lambda: page.text(".reader") == "ADA")


def go_offline(page: Any, offline: bool) -> None:
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


KEPT = "return Object.keys(localStorage).filter(k => k.startsWith('orbicyte.unsaved')).length"


def answer_posts(page: Any, status: int, problem: str) -> None:
    """Until the page is loaded again, every POST gets this answer."""
    page.browser.execute_script(
        "const real = window.fetch; window.fetch = (path, request) => request.method !== 'POST' ? real(path, request)"
        " : Promise.resolve(new Response(JSON.stringify({problem: arguments[1]}), {status: arguments[0]}))".replace(
            "arguments[1]", json.dumps(problem)
        ).replace("arguments[0]", str(status))
    )


def reload(page: Any) -> None:
    """Load the page again, although it warns about unsaved decisions."""
    page.browser.get("about:blank")
    page.browser.get(page.address)
    page.until(page.loaded)


def test_a_decision_that_cannot_be_sent_is_listed_kept_and_saved_once_later(page: Any, ids: list[str]) -> None:
    go_offline(page, True)
    try:
        page.press(Keys.HOME, "k", "x")
        page.until(lambda: "Not saved yet: 2 decisions" in page.text(".saved"))
        assert not page.events()
        assert page.browser.execute_script(KEPT) == 2
        button = page.button("Retry now")
    finally:
        go_offline(page, False)
    page.browser.execute_script("arguments[0].click()", button)  # at once: the page tries again by itself, too
    assert [event.cell for event in page.saved(2)] == ids[:2]
    assert page.browser.execute_script(KEPT) == 0
    page.errors()  # network errors are expected here


def test_a_refused_decision_is_reverted_listed_and_kept_until_it_is_discarded(page: Any, ids: list[str]) -> None:
    answer_posts(page, 409, "somebody was here before")
    page.press(Keys.HOME, "k")
    page.until(lambda: page.one(".alert").is_displayed())
    assert "1 decision of Ada on smear (somebody was here before)" in page.one(".alert").text
    page.until(lambda: "unchecked" in page.crop(ids[0]).get_attribute("class"))
    assert page.text(".saved") == "All saved"
    reload(page)
    page.until(lambda: "somebody was here before" in page.text(".alert"))
    assert not page.events()
    page.button("Send again").click()
    assert [event.cell for event in page.saved(1)] == ids[:1]
    answer_posts(page, 403, "not now")
    page.press(Keys.HOME, "x")
    page.until(lambda: page.one(".alert").is_displayed())
    page.button("Discard").click()
    assert not page.browser.execute_script(KEPT)


def test_a_decision_that_cannot_be_saved_now_is_not_reverted(page: Any, ids: list[str]) -> None:
    answer_posts(page, 503, "held by another process")
    page.press(Keys.HOME, "k")
    page.until(lambda: "Not saved yet: 1 decision. Retrying: held by another process" in page.text(".saved"))
    assert "kept" in page.crop(ids[0]).get_attribute("class").split()
    reload(page)
    page.saved(1)


def test_waiting_decisions_are_not_sent_to_another_study_at_the_same_address(
    page: Any, ids: list[str], reviewed: Study
) -> None:
    page.browser.execute_script(
        "localStorage.setItem('orbicyte.unsaved.' + arguments[0] + '.x/1', arguments[1]);"
        "localStorage.setItem('orbicyte.unsaved.study/1', arguments[1])",
        reviewed.id,
        '{"at": 1, "key": "", "reader": "Ada", "drafts": [{}]}',
    )
    reload(page)
    page.press(Keys.HOME, "k")
    page.saved(1)
    assert page.browser.execute_script(KEPT) == 2
    page.browser.execute_script("localStorage.clear()")


def test_another_reader_does_not_see_labels_that_are_not_saved_yet(page: Any, ids: list[str]) -> None:
    page.press("L")
    answer_posts(page, 503, "later")
    page.press(Keys.HOME, "1")
    page.until(lambda: "1 decision" in page.text(".saved") and page.crop(ids[0]).text)
    label = page.crop(ids[0]).text
    page.become("Bo")
    assert label not in page.crop(ids[0]).text
    reload(page)
    assert [event.who for event in page.saved(1)] == ["Ada"]


@pytest.fixture
def marked_up(reviewed: Study) -> None:
    """Sets types with markup in the study."""
    choose_classes(reviewed, [MARKUP, "blast"], [])


@pytest.mark.usefixtures("marked_up")
class TestMarkup:
    """A study with markup in its types."""

    def test_a_type_with_markup_is_shown_as_text(self, page: Any, ids: list[str]) -> None:
        page.press("L")
        page.press(Keys.HOME, "1")
        (event,) = page.saved(1)
        assert event.after == {"label": MARKUP}
        page.until(lambda: page.crop(ids[0]).text == MARKUP)
        assert not page.all("img[src=x]")
        assert "hacked" not in page.browser.title


@pytest.fixture
def many(reviewed: Study) -> int:
    """Gives the study many cells; their number."""
    cells = read_cells(reviewed, "smear")
    more = pd.concat([cells] * 175, ignore_index=True)
    more["id"] = [cell_id("many", index, 0) for index in more.index]
    write_cells(reviewed, "smear", more)
    return len(more)


@pytest.mark.usefixtures("many")
class TestMany:
    """A study with more cells than are sent in one request."""

    def test_decisions_on_all_are_sent_in_parts_and_undone_and_seen_in_one_step(self, page: Any, many: int) -> None:
        sizes = "const real = window.fetch; window.sizes = []; window.fetch = (path, request) => {"
        sizes += "if (path === '/api/events') window.sizes.push(JSON.parse(request.body).events.length);"
        page.browser.execute_script(sizes + "return real(path, request); }")
        page.press(Keys.HOME)
        page.chord(Keys.CONTROL, "a")
        page.press("k")
        assert len({event.batch for event in page.saved(many)}) == 1
        assert page.browser.execute_script("return window.sizes") == [2000, many - 2000]
        page.press(Keys.END)
        page.until(lambda: page.crop_in_view() == many)
        page.chord(Keys.CONTROL, "z")
        assert all(event.kind == "undo" for event in page.saved(2 * many)[many:])
        page.until(lambda: page.crop_in_view() == 1)
        page.press("L", Keys.END, "1", Keys.HOME)
        page.saved(2 * many + 1)
        page.until(lambda: page.crop_in_view() == 1)
        page.press("C")
        page.chord(Keys.CONTROL, "z")
        page.until(lambda: page.one(".label-view").is_displayed() and page.crop_in_view() == many)


@pytest.fixture
def other_site() -> Iterator[str]:
    """The address of a page of another site."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>other</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


POST = """
const [address, body, mode, type, done] = arguments;
const headers = mode === 'cors' ? {'Content-Type': type, 'X-Orbicyte': '1'} : {'Content-Type': type};
fetch(address + '/api/events', {method: 'POST', mode, credentials: 'include', headers, body})
    .then(answer => done(answer.type), error => done(String(error)));
"""


@pytest.mark.parametrize(("mode", "kind"), [("no-cors", "text/plain"), ("cors", "application/json")])
def test_a_page_of_another_site_cannot_decide(
    page: Any, ids: list[str], other_site: str, draft: Callable[..., Any], mode: str, kind: str
) -> None:
    body = page.browser.execute_script(
        "return JSON.stringify(arguments[0])",
        {"reader": "Eve", "events": [draft("smear", ids[0], "check", status="rejected")]},
    )
    page.browser.get(other_site)
    answer = page.browser.execute_async_script(POST, page.address, body, mode, kind)
    assert answer == "opaque" or "TypeError" in answer
    assert not page.events()
    page.errors()  # the browser reports the blocked request
