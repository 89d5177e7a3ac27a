"""Frame times of the review page in a headless Chromium with software rendering, with the server on the same machine.

Panning by mouse over 50,000 cells on a slide of 20,480 x 20,480 px, zoomed out (their density) and zoomed in (circles),
and scrolling through 17,000 crops that were not requested before. Frames are those of requestAnimationFrame.

``python benchmarks/review_frames.py [--seconds 10] [--folder KEPT]`` (needs chromium and chromedriver)
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record
from orbicyte.synthetic import draw_slide, sample_smear

MPP = 0.25
SMEAR_UM = 512
REPEAT = 10
CELLS = {"a pan": 50_000, "b scroll": 17_000}
TARGET_MS = 1000 / 30
RECORD = """
window.frames_ms = [];
let last = performance.now();
const tick = now => { window.frames_ms.push(now - last); last = now; window.ticking = requestAnimationFrame(tick); };
window.ticking = requestAnimationFrame(tick);
"""
STOP = "cancelAnimationFrame(window.ticking); return window.frames_ms.slice(2)"


def main() -> None:
    """Make a study, serve it, pan, scroll, and print the frame times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--folder", type=Path, help="folder that keeps the slide; by default it is discarded")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = make_study(arguments.folder or Path(temporary))
        with served(study) as address, chromium() as browser:
            print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
            measure(browser, address, arguments.seconds)
            print(f"load after: {os.getloadavg()[0]:.2f}")


def make_study(folder: Path) -> Study:
    """A synthetic smear repeated as tiles, with cells at random positions; two entries for the one slide."""
    study, path = Study.create(folder / "study"), folder / "smear.tif"
    if not path.exists():
        draw_slide(path, sample_smear(0, SMEAR_UM, SMEAR_UM), MPP, repeat=(REPEAT, REPEAT))
    info = open_slide(path, MPP).info
    for name, number in CELLS.items():
        record = record_of(name, info, MPP)
        write_record(study, record)
        write_cells(study, name, _cells(record, number))
    return study


def _cells(record: SlideRecord, number: int) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    x_px, y_px = rng.uniform(0, record.width_px, number), rng.uniform(0, record.height_px, number)
    return pd.DataFrame(
        {
            "id": [cell_id(f"{record.name}{i}", x, y) for i, (x, y) in enumerate(zip(x_px, y_px, strict=True))],
            "x_px": x_px,
            "y_px": y_px,
            "x_um": x_px * MPP,
            "y_um": y_px * MPP,
            "diameter_um": rng.uniform(9, 18, number),
            "score": rng.uniform(0, 1, number),
            "outline_px": [[]] * number,
        }
    ).drop_duplicates("id")


@contextmanager
def served(study: Study) -> Iterator[str]:
    """``orbicyte review`` in a separate process."""
    words = [sys.executable, "-m", "orbicyte", "review", str(study.path), "--no-open"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield next(line.split()[1] for line in process.stderr if line.startswith("review: http"))
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser of 1440 x 900 px without a graphics card."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1440,1040"):
        options.add_argument(f"--{flag}")
    browser = Chrome(options, Service(executable_path=shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def measure(browser: Chrome, address: str, seconds: float) -> None:
    """Print the frames of each movement."""
    browser.get(address)
    wait = WebDriverWait(browser, 60)
    wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, "dialog input"))
    ActionChains(browser).send_keys("Ada", Keys.ENTER).perform()
    wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".crop:not([hidden])"))
    time.sleep(4)
    report("panning, 50,000 cells as density", pan(browser, seconds, "density"))
    for _ in range(6):
        ActionChains(browser).send_keys("+").perform()
        time.sleep(0.5)
    report("panning, 50,000 cells as circles", pan(browser, seconds, "circles"))
    ActionChains(browser).send_keys(Keys.HOME, "z").perform()
    report("panning, zoomed to a cell", pan(browser, seconds, "circles"))
    next(row for row in browser.find_elements(By.CSS_SELECTOR, ".slide-row") if "scroll" in row.text).click()
    wait.until(lambda b: "17,000" in b.find_element(By.CSS_SELECTOR, ".about").text)
    time.sleep(3)
    for speed in (1200, 6000, 30000):
        report(f"scrolling 17,000 crops, {speed:,} px/s", scroll(browser, seconds, speed))


def pan(browser: Chrome, seconds: float, shown: str) -> list[float]:
    """Drag the slide with the mouse along a closed curve."""
    slide = browser.find_element(By.CSS_SELECTOR, ".slide").rect
    middle = (slide["x"] + slide["width"] / 2, slide["y"] + slide["height"] / 2)

    def mouse(kind: str, phase: float) -> None:
        place = {"x": middle[0] + 220 * math.sin(phase), "y": middle[1] + 220 * math.cos(2 * phase)}
        browser.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {"type": kind, **place, "button": "left", "buttons": 1, "clickCount": 1}
        )

    time.sleep(2)
    mouse("mousePressed", 0)
    browser.execute_script(RECORD)
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        mouse("mouseMoved", 1.7 * passed)
        time.sleep(0.012)
    frames: list[float] = browser.execute_script(STOP)
    mouse("mouseReleased", 1.7 * seconds)
    assert browser.find_element(By.CSS_SELECTOR, ".overlay").get_attribute("data-shows") == shown
    return frames


def scroll(browser: Chrome, seconds: float, speed_px_s: int) -> list[float]:
    """Scroll down the crops as with a mouse wheel."""
    grid = browser.find_element(By.CSS_SELECTOR, ".check .grid").rect
    browser.execute_script(RECORD)
    browser.execute_cdp_cmd(
        "Input.synthesizeScrollGesture",
        {
            "x": grid["x"] + grid["width"] / 2,
            "y": grid["y"] + grid["height"] / 2,
            "yDistance": -int(min(speed_px_s * seconds, 110_000)),
            "speed": speed_px_s,
            "gestureSourceType": "mouse",
        },
    )
    frames: list[float] = browser.execute_script(STOP)
    return frames


def report(name: str, frames_ms: list[float]) -> None:
    """One line: number of frames, percentage under 33 ms, median, 95th percentile."""
    frames = np.array(frames_ms)
    print(
        f"{name:38} {len(frames):5} frames  {100 * (frames < TARGET_MS).mean():5.1f} % under 33 ms  "
        f"median {np.median(frames):5.1f} ms  95th percentile {np.percentile(frames, 95):5.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
