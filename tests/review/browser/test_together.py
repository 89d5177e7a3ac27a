"""Two windows, a server that does not answer or refuses, names with markup, and pages of other sites."""

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from orbicyte.review.classes import choose_classes
from orbicyte.study import Study

MARKUP = "<img src=x onerror=document.title='hacked'>"


def test_two_windows_see_each_other_and_both_are_in_the_log(page: Any, ids: list[str]) -> None:
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    page.browser.get(page.address)
    page.until(lambda: page.all(".crop:not([hidden])"))
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


def go_offline(page: Any, offline: bool) -> None:
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def test_a_decision_that_cannot_be_sent_is_told_kept_and_saved_once_later(page: Any, ids: list[str]) -> None:
    go_offline(page, True)
    try:
        page.press(Keys.HOME, "k", "x")
        page.until(lambda: "Not saved yet: 2 decisions" in page.text(".saved"))
        assert not page.events()
        kept = "return Object.keys(localStorage).filter(k => k.startsWith('orbicyte.unsaved')).length"
        assert page.browser.execute_script(kept) == 1
    finally:
        go_offline(page, False)
    page.button("Try now").click()
    assert [event.cell for event in page.saved(2)] == ids[:2]
    assert page.browser.execute_script(kept) == 0
    page.complaints()  # it complains of the network, rightly


def test_a_refused_decision_is_taken_back_and_told(page: Any, ids: list[str]) -> None:
    page.browser.execute_script(
        "const real = window.fetch; window.fetch = (path, request) => request.method !== 'POST' ? real(path, request)"
        " : Promise.resolve(new Response(JSON.stringify({problem: 'somebody was here before'}), {status: 409}))"
    )
    page.press(Keys.HOME, "k")
    page.until(lambda: page.one(".alert").is_displayed())
    assert "somebody was here before" in page.one(".alert").text
    page.until(lambda: "unchecked" in page.crop(ids[0]).get_attribute("class"))
    assert page.text(".saved") == "All saved"
    assert not page.events()


@pytest.fixture
def marked_up(reviewed: Study) -> None:
    """The study's types are markup."""
    choose_classes(reviewed, [MARKUP, "blast"], [])


@pytest.mark.usefixtures("marked_up")
class TestMarkup:
    """Of a study whose types are markup."""

    def test_a_type_with_markup_is_shown_as_it_is_written(self, page: Any, ids: list[str]) -> None:
        page.press("N")
        page.press(Keys.HOME, "1")
        (event,) = page.saved(1)
        assert event.after == {"label": MARKUP}
        page.until(lambda: page.crop(ids[0]).text == MARKUP)
        assert not page.all("img[src=x]")
        assert "hacked" not in page.browser.title


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
    page.complaints()  # it says what it kept the other page from
