"""Runs every step of orbicyte once, on tiny synthetic slides and patches: does it work with the packages installed?

python scripts/smoke_test.py NEW_FOLDER

Uses no other packages than orbicyte itself, so that try_lower_bounds.py can run it with exactly those.
"""

import json
import shutil
import socket
import sys
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import uvicorn

from orbicyte import load
from orbicyte.cli import app
from orbicyte.review.app import create_app
from orbicyte.review.cells import reviewed_cells
from orbicyte.stages.demo import review_by_truth
from orbicyte.study import Study
from orbicyte.synthetic import draw_study

MPP = 0.5
SETTINGS = [
    "network.size_px=16",
    "network.widths=4,8",
    "network.harmonic_widths=4,8",
    "network.latent_size=4",
    "network.pose_widths=4",
    "training.batch_size=8",
    "training.max_epochs=1",
    "evaluation.cells=12",
    "evaluation.angle_step_deg=90",
    "evaluation.folds=2",
    "folds=3",
]


def main() -> None:
    """Raises whatever does not work."""
    folder = Path(sys.argv[1])
    folder.mkdir()
    slides, study, patches = folder / "slides", folder / "study", folder / "patches"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    orbicyte("slides", "draw", slides, "--slides=6", "--cells=20", f"--mpp={MPP}")
    orbicyte("slides", "check", slides)
    orbicyte("detect", slides, "--out", study, "--device=cpu", "--workers=2")
    review_by_truth(Study.open(study))
    review_on_the_page(Study.open(study))
    orbicyte("agreement", study)
    orbicyte("cut", study, f"--mpp={MPP}", "--view-px=32", "--border=white")
    orbicyte("train", study, "--networks=only_stn", "--rotation-weights=0.5", *settings)
    orbicyte("embed", study)
    orbicyte("evaluate", study)
    orbicyte("report", study)
    (run,) = Study.open(study).runs()
    orbicyte("classify", "fit", run)
    orbicyte("classify", study)
    orbicyte("count", study, "--out", folder / "count.csv")
    orbicyte("export", "geojson", study, "--out", folder / "geojson")
    orbicyte("import-cells", study, folder / "geojson" / "D1.geojson", "--reader=QuPath")
    orbicyte("import-cells", study, slides / "D2.mask.tif", "--slide=D2", "--reader=mask")
    orbicyte("export", "coco", study, "--out", folder / "coco.json")
    orbicyte("export", "csv", study, "--out", folder / "cells.csv")
    orbicyte("export", "onnx", run)
    orbicyte("detector", "train", study, "--steps=2", "--device=cpu")
    draw_study(patches, labelled=6, unlabelled=18, size_px=32)
    orbicyte("import", patches, "--out", folder / "imported")
    orbicyte("classify", patches, "--run", run, "--out", folder / "types.csv")
    load(run, device="cpu")
    shutil.rmtree(folder)


def orbicyte(*words: object) -> None:
    """Run one command in this process; raises ``SystemExit`` if it ends with another exit code than 0."""
    print("orbicyte", *words, flush=True)
    try:
        app([str(word) for word in words])
    except SystemExit as end:
        if end.code:
            raise


def review_on_the_page(study: Study) -> None:
    """Ask the review's server for what its page needs, and send it one more label of a labelled cell."""
    cell = reviewed_cells(study, ["D1"]).dropna(subset=["label"]).iloc[0]
    paths = ["", "api/study", "api/slides/D1/cells?reader=Ada", "tiles/D1/7/0_0.jpg", f"crops/D1/{cell['id']}.jpg"]
    label = {"slide": "D1", "cell": cell["id"], "kind": "name", "after": {"label": cell["label"]}}
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(study), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for path in paths:
            ask(address + path)
        ask(f"{address}api/events", {"reader": "Ada", "events": [{"id": str(uuid.uuid4()), **label}]})
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def ask(url: str, content: object = None) -> bytes:
    """The answer to GET, or to POST with ``content`` as JSON; raises ``HTTPError`` for a status of 400 or more."""
    print(url, flush=True)
    sent = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, sent, {"Content-Type": "application/json", "X-Orbicyte": "1"})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    main()
