"""The token of the address: exchanged for a cookie, and out of the address bar and the history once used."""

from collections.abc import Callable
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from orbicyte.study import Study

TOKEN = "a-secret-of-enough-letters"
ONCE = "for-the-browser-that-is-opened"


def test_the_page_opens_with_the_token_and_the_address_is_without_it(
    chromium: Chrome, reviewed: Study, serving: Callable[..., Any]
) -> None:
    with serving(reviewed, token=TOKEN, once=ONCE) as client:
        address = str(client.base_url)
        chromium.get(address)
        assert "?token=" in chromium.find_element(By.TAG_NAME, "body").text  # it asks for the printed address
        # A link of another site, such as one in a mail: browsers send no strict cookie with what it leads to.
        for site, token in (("about:blank", ONCE), ("data:text/html,<p>mail</p>", TOKEN)):
            chromium.delete_all_cookies()
            chromium.get(site)
            chromium.execute_script("location.assign(arguments[0])", f"{address}/?token={token}")
            chromium.implicitly_wait(30)
            assert chromium.find_elements(By.CSS_SELECTOR, "dialog input")
            chromium.implicitly_wait(0)
            assert chromium.current_url == f"{address}/"
            assert chromium.execute_script("return document.cookie") == ""
            chromium.refresh()
            chromium.implicitly_wait(30)
            assert chromium.find_elements(By.CSS_SELECTOR, "dialog input")
            chromium.implicitly_wait(0)
            visited = chromium.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]
            assert not [entry["url"] for entry in visited if "token" in entry["url"]]
        chromium.get("about:blank")
        chromium.get_log("browser")  # type: ignore[no-untyped-call]  # the first answer, 401, is listed there
