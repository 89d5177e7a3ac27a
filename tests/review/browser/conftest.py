"""A study with one synthetic slide, its server, and the review page in a real Chromium."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from orbicyte.review.app import WEB
from orbicyte.review.events import Event
from orbicyte.review.store import ReviewStore
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, read_cells, write_cells
from orbicyte.study.slides import write_record

MPP = 0.25
CELL_PX = 60
PLACES = [(x, y) for y in (170, 410, 650) for x in (150, 450, 750, 1050)]
FLAGS = [
    "headless=new",
    "no-sandbox",
    "disable-gpu",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-dev-shm-usage",
    "window-size=1440,900",
]
PATIENCE_S = 30


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests; skips, with the reason, without Chromium or without a built page."""
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium with chromedriver on the PATH")
    if not (WEB / "index.html").exists():
        pytest.skip("the review page is not built: python setup.py build_front_end")
    options = ChromeOptions()
    options.binary_location = program
    for flag in [*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options, Service(executable_path=driver))
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide of 1500 x 1000 px with a dark disc at each of ``PLACES``."""
    pixels = np.full((1000, 1500, 3), (240, 225, 215), np.uint8)
    for x, y in PLACES:
        pixels[np.hypot(*np.ogrid[-y : 1000 - y, -x : 1500 - x]) < CELL_PX / 2] = (90, 40, 140)
    path = tmp_path_factory.mktemp("slide") / "smear.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(256, 256), compression="zlib")
    return path


@pytest.fixture
def reviewed(slide: Path, tmp_path: Path) -> Study:
    """A study with a cell at each of ``PLACES``; the first is the most uncertain, the last the least."""
    study = Study.create(tmp_path / "study")
    info = open_slide(slide, MPP).info
    record = record_of("smear", info, MPP)
    write_record(study, record)
    x_px, y_px = np.array(PLACES, np.float64).T
    cells = pd.DataFrame(
        {
            "id": [cell_id(info.fingerprint, x, y) for x, y in PLACES],
            "x_px": x_px,
            "y_px": y_px,
            "x_um": x_px * MPP,
            "y_um": y_px * MPP,
            "diameter_um": CELL_PX * MPP,
            "score": np.linspace(0.5, 0.98, len(PLACES)),
            "outline_px": [[x - 9.0, y, x, y - 9.0, x + 9.0, y] for x, y in PLACES],
        }
    )
    write_cells(study, record.name, cells)
    return study


@pytest.fixture
def second(reviewed: Study, slide: Path) -> str:
    """Gives the study a second slide, with the first four of the cells; its name."""
    write_record(reviewed, record_of("smear 2", open_slide(slide, MPP).info, MPP))
    cells = read_cells(reviewed, "smear").head(4)
    write_cells(reviewed, "smear 2", cells.assign(id=[cell_id("second", x, y) for x, y in PLACES[:4]]))
    return "smear 2"


@dataclass
class Page:
    """The page as a reader uses it: keys, mouse, visible elements; and its log."""

    browser: Chrome
    address: str
    study: Study

    def open(self, reader: str) -> None:
        """Load the page in the current window as ``reader``, and wait for the cells."""
        self.browser.get(self.address)
        self.until(lambda: self.all("dialog input"))
        self.press(reader, Keys.ENTER)
        self.until(self.loaded)

    def become(self, reader: str) -> None:
        """Change the reader, and wait for their cells."""
        self.one(".reader").click()
        self.press(reader, Keys.ENTER)
        self.until(lambda: self.text(".reader") == reader and self.loaded())

    def loaded(self) -> bool:
        """Whether the cells of the open slide are loaded and shown.

        When another slide or reader is chosen, the former crops stay until the next frame, but keys find no cell.
        """
        script = """
            const crops = [...document.querySelectorAll('.crop')];
            return !document.querySelector('.grid[aria-busy=true]') && crops.some(crop => crop.checkVisibility())"""
        return bool(self.browser.execute_script(script))

    def press(self, *keys: str) -> None:
        """Press one key after another."""
        ActionChains(self.browser, duration=20).send_keys(*keys).perform()

    def chord(self, *keys: str) -> None:
        """Hold all but the last, and press that."""
        chain = ActionChains(self.browser, duration=20)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in reversed(keys[:-1]):
            chain.key_up(key)
        chain.perform()

    def mouse(self) -> ActionChains:
        """A chain of mouse actions; end it with ``perform()``."""
        return ActionChains(self.browser, duration=50)

    def all(self, selector: str) -> list[WebElement]:
        """All such elements of the page."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first such element."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def button(self, label: str) -> WebElement:
        """A visible button, by its text."""
        return next(
            button for button in self.all("button") if button.text.strip("✓✕ ") == label and button.is_displayed()
        )

    def crop(self, cell: str) -> WebElement:
        """The crop of a cell in the open view; waits for it."""
        crops = f'.crop[data-cell="{cell}"]'
        found: WebElement = self.until(lambda: next((one for one in self.all(crops) if one.is_displayed()), None))
        return found

    def slide(self) -> WebElement:
        """The element of the slide that receives mouse events."""
        return self.one(".slide .openseadragon-canvas")

    def text(self, selector: str) -> str:
        """The text of an element now, even if the page replaces it at the same time."""
        return str(self.browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))

    def current(self) -> str | None:
        """The id of the current cell."""
        return next(
            (crop.get_attribute("data-cell") for crop in self.all(".crop.current") if crop.is_displayed()), None
        )

    def crop_in_view(self) -> int | None:
        """The position in the list, from 1, of the current crop, if it is wholly in view."""
        seen = """
            const whole = crop => {
                const [a, b] = [crop, crop.closest('.grid')].map(one => one.getBoundingClientRect());
                return a.height > 0 && a.top >= b.top && a.bottom <= b.bottom + 1;
            };
            const crop = [...document.querySelectorAll('.crop.current:not([hidden])')].find(whole);
            return crop ? Number(crop.ariaPosInSet) : null"""
        return self.browser.execute_script(seen)  # type: ignore[no-any-return]

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until ``holds`` is true, and return its value. Fails after ``PATIENCE_S``."""
        end = time.monotonic() + PATIENCE_S
        while not (found := self._now(holds)):
            assert time.monotonic() < end, f"it did not happen within {PATIENCE_S} s; the log: {self.events()}"
            time.sleep(0.02)
        return found

    def _now(self, holds: Callable[[], Any]) -> Any:
        """Its value now; None if the page replaced an element meanwhile."""
        try:
            return holds()
        except StaleElementReferenceException:
            return None

    def errors(self) -> list[str]:
        """The errors in the browser's console since the last call."""
        entries = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def events(self) -> list[Event]:
        """The events in the log."""
        with ReviewStore.open(self.study) as store:
            return store.events()

    def saved(self, number: int) -> list[Event]:
        """The log, when it has ``number`` events and the page shows them as saved; fails if there are more."""
        self.until(lambda: len(self.events()) >= number)
        self.until(lambda: self.text(".saved") == "All saved")
        assert len(self.events()) == number
        return self.events()


@pytest.fixture
def page(chromium: Chrome, reviewed: Study, serving: Callable[..., Any]) -> Iterator[Page]:
    """The page of ``reviewed`` with the reader Ada. Errors in the browser's console fail the test."""
    with serving(reviewed) as client:
        page = Page(chromium, str(client.base_url), reviewed)
        # An earlier server can have had the same port: then the browser remembers its reader.
        chromium.get(f"{client.base_url}/api/study")
        chromium.execute_script("localStorage.clear(); sessionStorage.clear()")
        page.open("Ada")
        page.errors()
        yield page
        errors = page.errors()
        chromium.get("about:blank")
    assert not errors


@pytest.fixture
def ids(reviewed: Study, slide: Path) -> list[str]:
    """The cells' ids in the order of ``PLACES``, the most uncertain first."""
    fingerprint = open_slide(slide, MPP).info.fingerprint
    return [cell_id(fingerprint, x, y) for x, y in PLACES]
