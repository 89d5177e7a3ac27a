"""A study with two slides of detected cells, without image files; and its server for a client."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from httpx import Client

from orbicyte.review.serving import server_config
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record

MPP = 0.25
SIDE_PX = 2048
WRITING = {"X-Orbicyte": "1"}


def found_cells(slide: str, number: int, side_px: int = SIDE_PX, seed: int = 0) -> pd.DataFrame:
    """A table as the detector writes it."""
    rng = np.random.default_rng(seed)
    x_px, y_px = rng.uniform(40, side_px - 40, (2, number)).round(2)
    return pd.DataFrame(
        {
            "id": [cell_id(f"{slide}-{index}", x, y) for index, (x, y) in enumerate(zip(x_px, y_px, strict=True))],
            "x_px": x_px,
            "y_px": y_px,
            "x_um": x_px * MPP,
            "y_um": y_px * MPP,
            "diameter_um": rng.uniform(8, 16, number).astype("float32"),
            "score": rng.uniform(0, 1, number).astype("float32"),
            "outline_px": [[x, y, x + 9, y, x, y + 9] for x, y in zip(x_px, y_px, strict=True)],
        }
    )


def make_study(folder: Path) -> Study:
    """A study with the slides ``a`` (12 cells) and ``b`` (5 cells), without decisions and image files."""
    study = Study.create(folder / "study")
    for seed, (slide, number) in enumerate({"a": 12, "b": 5}.items()):
        path = str(folder / f"{slide}.tif")
        write_record(study, SlideRecord(slide, path, "generic-tiff", SIDE_PX, SIDE_PX, MPP, f"f{slide}"))
        write_cells(study, slide, found_cells(slide, number, seed=seed))
    return study


@contextmanager
def served(app: FastAPI) -> Iterator[Client]:
    """The server in a thread, and a client that sends the same headers as the page."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        with Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", headers=WRITING) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
