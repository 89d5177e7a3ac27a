"""Screenshots of the three views of the review page with synthetic cells, in a headless Chromium, for docs/review.md.

``python scripts/review_screenshots.py --out FOLDER [--size 1440x900] [--light]`` (needs chromium and chromedriver)
"""

import argparse
import io
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import uvicorn
from httpx import Client
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from orbicyte.cell_types import TYPES
from orbicyte.review.app import create_app
from orbicyte.review.events import new_draft
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record
from orbicyte.study.types import write_types
from orbicyte.synthetic.slide_file import draw_slides

MPP = 0.25
READERS = ("Ada", "Bo")


def main() -> None:
    """Make a study, review it, and take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--light", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study, types = draw_study(Path(folder))
        server = uvicorn.Server(uvicorn.Config(create_app(study), port=8899, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                pass
            take("http://127.0.0.1:8899", arguments.out, arguments.size, arguments.light, types)
        finally:
            server.should_exit = True
            thread.join()


def draw_study(folder: Path, slides: int = 3, cells: int = 260) -> tuple[Study, dict[str, str]]:
    """A study of synthetic slides, with the results of a detector and a classifier that make some errors.

    Also returns the true types, by the cell's id; objects that are not cells have none.
    """
    rng = np.random.default_rng(0)
    study = Study.create(folder / "Marrow 2026")
    typed = []
    true: dict[str, str] = {}
    for name, truth in draw_slides(folder, slides, cells).groupby("slide"):
        info = open_slide(folder / f"{name}.tif", MPP).info
        record = record_of(str(name), info, MPP)
        write_record(study, record)
        found = _found(truth, record, rng)
        write_cells(study, record.name, found)
        right = found[found["is_cell"]]
        true |= dict(zip(right["id"], right["type"], strict=True))
        types = np.where(rng.random(len(found)) < 0.85, found["type"], rng.choice(list(TYPES), len(found)))
        probability = rng.beta(5, 1.5, len(found))
        table = pd.DataFrame({"id": found["id"], "slide": name, "type": types, "probability": probability})
        typed.append(table.assign(out_of_distribution=probability < 0.4))
    write_types(study, pd.concat(typed), "baseline-fold1-seed0")
    return study, true


def _found(truth: pd.DataFrame, record: SlideRecord, rng: np.random.Generator) -> pd.DataFrame:
    true = truth[["x_px", "y_px", "diameter_um", "type"]]
    true = true.assign(score=rng.beta(9, 1.2, len(truth)), is_cell=True)
    wrong = pd.DataFrame(
        {
            "x_px": rng.uniform(50, record.width_px - 50, len(truth) // 6),
            "y_px": rng.uniform(50, record.height_px - 50, len(truth) // 6),
            "diameter_um": rng.uniform(6, 12, len(truth) // 6),
            "type": rng.choice(list(TYPES), len(truth) // 6),
            "score": rng.beta(2, 3, len(truth) // 6),
            "is_cell": False,
        }
    )
    cells = pd.concat([true, wrong], ignore_index=True)
    cells["id"] = [cell_id(record.fingerprint, x, y) for x, y in zip(cells["x_px"], cells["y_px"], strict=True)]
    cells["x_um"], cells["y_um"] = cells["x_px"] * MPP, cells["y_px"] * MPP
    cells["outline_px"] = [_circle(*row) for row in cells[["x_px", "y_px", "diameter_um"]].to_numpy()]
    return cells.drop_duplicates("id")


def _circle(x_px: float, y_px: float, diameter_um: float) -> list[float]:
    angle: NDArray[np.float64] = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.stack([x_px + diameter_um / MPP / 2 * np.cos(angle), y_px + diameter_um / MPP / 2 * np.sin(angle)], -1)
    return [float(value) for value in points.ravel()]


def _review(address: str, types: Mapping[str, str]) -> None:
    """Two readers' decisions on the first slide: most cells checked and labelled, not always in agreement.

    ``types``: the true type of every cell, by its id.
    """
    rng = np.random.default_rng(1)
    with Client(base_url=address, headers={"X-Orbicyte": "1"}) as client:
        slide = client.get("/api/study").json()["slides"][0]["name"]
        cells = client.get(f"/api/slides/{slide}/cells", params={"reader": "Ada"}).json()
        rows = [row for row in range(len(cells["id"])) if rng.random() < 0.6]
        for reader in READERS:
            events = []
            for row in rows:
                id_ = cells["id"][row]
                events.append(new_draft(slide, id_, "check", {"status": "kept" if id_ in types else "rejected"}))
                if id_ in types:
                    label = types[id_] if rng.random() < 0.9 else rng.choice([*TYPES, "unsure"])
                    events.append(new_draft(slide, id_, "name", {"label": str(label)}))
            client.post("/api/events", json={"reader": reader, "events": events}).raise_for_status()


def take(address: str, out: Path, size: str, light: bool, types: Mapping[str, str]) -> None:
    """Save review_ask, review_check, review_far, review_help, review_label and review_agreement, all .png.

    ``types``: the true type of every cell, by its id.
    """
    options = ChromeOptions()
    width, height = size.split("x")
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", f"window-size={width},{height}"):
        options.add_argument(f"--{flag}")
    options.binary_location = shutil.which("chromium") or ""
    browser = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": int(width), "height": int(height), "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = {"name": "prefers-color-scheme", "value": "light" if light else "dark"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        _pictures(browser, address, out, types)
    finally:
        browser.quit()


def _pictures(browser: Chrome, address: str, out: Path, types: Mapping[str, str]) -> None:
    def save(name: str, wait_s: float = 1.5) -> None:
        WebDriverWait(browser, 20).until(lambda b: b.execute_script("return document.readyState") == "complete")
        ActionChains(browser).pause(wait_s).perform()
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
        picture = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)  # small in a repository
        picture.save(out / f"review_{name}.png", optimize=True)

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    browser.get(address)
    save("ask")
    press("Ada", Keys.ENTER)
    save("far")
    _review(address, types)
    press("r")
    browser.find_element(By.CSS_SELECTOR, "select[aria-label=Show] option[value=all]").click()
    press(Keys.HOME, *[Keys.ARROW_RIGHT] * 7)
    press("d")
    save("check", 3)
    press("?")
    save("help")
    press(Keys.ESCAPE, "L")
    press(Keys.HOME, *[Keys.ARROW_DOWN] * 2)
    ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT * 2).key_up(Keys.SHIFT).perform()
    save("label", 3)
    press("A")
    save("agreement")


if __name__ == "__main__":
    main()
