"""demo: make synthetic slides and run all stages on them, to the report and the count."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orbicyte.detection.matching import centred, match
from orbicyte.presets import PAPER_NETWORKS, quick
from orbicyte.progress import print_line
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.events import new_draft
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.stages.classify_study import classify_study
from orbicyte.stages.count import count
from orbicyte.stages.cut import cut
from orbicyte.stages.detect import detect
from orbicyte.stages.report import report
from orbicyte.stages.run import complete_networks
from orbicyte.study import Study
from orbicyte.study.files import replacing
from orbicyte.study.runs import PRETRAINED
from orbicyte.study.slides import read_record, slide_names
from orbicyte.study.types import types_path
from orbicyte.synthetic import draw_slides

SLIDES = 16
"""The cells of half of them are labelled, enough for the folds of the classifier and of training."""
CELLS, PAPER_CELLS = 40, 75
"""Per slide, approximately; more to train the paper's networks on."""
MPP = 0.25
PATCH_PX = 96
READER = "truth"
"""Name of the reader: not a person, but the known truth of the synthetic slides."""
BUDGET = [
    "training.max_epochs=7",
    "training.patience=5",
    "network.widths=12,24,48,96",
    "network.harmonic_widths=8,16,32,64",
    "evaluation.cells=200",
    "evaluation.angle_step_deg=30",
]
"""Settings with which the paper's networks are trained in a few minutes on two cores."""
EVALUATION = ["evaluation.cells=60", "evaluation.angle_step_deg=30", "evaluation.folds=3"]
"""Settings with which the shipped network is evaluated in some seconds."""


def demo(out: Path | str | None = None, *, paper: bool = False, seed: int = 0) -> Path:
    """Make synthetic slides in ``out/slides`` and a study of them in ``out/study``, with the shipped network.

    ``out``: by default demo, or demo-paper; ``paper``: train the paper's four networks, at w = 0.5, instead. Instead
    of people, the known truth decides: it keeps, rejects and adds cells on all slides, and labels those of half of the
    slides. The network, of several the one with the highest F1, predicts the types of the others with a classifier
    fitted on these labels, and their differential counts are compared with the truth. Returns the path of the report.
    """
    out = Path(out or ("demo-paper" if paper else "demo"))
    slides, study = out / "slides", Study.create(out / "study")
    if not slides.exists():
        cells = PAPER_CELLS if paper else CELLS
        print_line(f"making {SLIDES} synthetic slides of about {cells} cells in {slides}")
        with replacing(slides) as temporary:
            temporary.mkdir()
            draw_slides(temporary, slides=SLIDES, cells=cells, seed=seed, mpp=MPP, sample_um=MPP)
    detect([slides], study)
    review_by_truth(study)
    cut(study, mpp=MPP, view_px=PATCH_PX)
    networks = PAPER_NETWORKS if paper else (PRETRAINED,)
    complete_networks(study, networks, (0.5,), 1, demo_settings(seed, paper))
    if not types_path(study).exists():
        classify_study(study)
    print_line(_compared_with_truth(study, count(study, out=study.path / "count.csv")))
    page = report(study)
    print_line(f"report: {page}")
    print_line(f"to look at the cells in the browser: orbicyte review {study.path}")
    return page


def demo_settings(seed: int, paper: bool) -> Settings:
    """The quick preset, reduced to the demo's budget."""
    return quick().changed([f"seed={seed}", *(BUDGET if paper else EVALUATION)])


def review_by_truth(study: Study) -> None:
    """Review every cell of synthetic slides according to their truth tables; label those on every second slide."""
    names = slide_names(study)
    with ReviewStore.open(study) as store:
        done = {event.slide for event in store.events() if event.who == READER}
        for at, name in enumerate(names):
            if name not in done:
                found = reviewed_cells(study, [name])
                mpp = read_record(study, name).mpp
                store.append(READER, list(_decisions(name, found, _truth(study, name), mpp, at % 2 == 0)))
    print_line(
        f"reviewed automatically with the truth: {len(names)} slides checked, {(len(names) + 1) // 2} of them labelled"
    )


def _decisions(
    slide: str, found: pd.DataFrame, truth: pd.DataFrame, mpp: float, labelled: bool
) -> Iterator[dict[str, Any]]:
    """Events: keep true cells, reject the others, add cells that were missed, and label all if ``labelled``."""
    half = (found["diameter_um"] / mpp / 2).to_numpy()
    boxes = np.column_stack([found["x_px"] - half, found["y_px"] - half, found["x_px"] + half, found["y_px"] + half])
    true = truth[["x0_px", "y0_px", "x1_px", "y1_px"]].to_numpy(np.float64)
    pairs = dict(match(boxes, true, found["score"].to_numpy(), centred, 0.0).pairs)
    for i, id_ in enumerate(found["id"]):
        yield new_draft(slide, id_, "check", {"status": "kept" if i in pairs else "rejected"})
    cells = {found["id"].iloc[i]: j for i, j in pairs.items()}
    for j in sorted(set(range(len(truth))) - set(pairs.values())):
        cell = truth.iloc[j]
        added = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{slide}/{cell['id']}"))
        place = {"x_px": float(cell["x_px"]), "y_px": float(cell["y_px"])}
        yield new_draft(slide, added, "add", {**place, "diameter_px": float(cell["diameter_um"] / mpp)})
        cells[added] = j
    if labelled:
        for id_, j in cells.items():
            yield new_draft(slide, id_, "name", {"label": str(truth["type"].iloc[j])})


def _compared_with_truth(study: Study, counts: pd.DataFrame) -> str:
    """How often the true share of a type is in its interval, on slides without labels."""
    counted = counts[counts.groupby("slide")["labelled"].transform("sum") == 0]
    inside: list[bool] = []
    for slide, shares in counted.groupby("slide"):
        percent = _truth(study, str(slide))["type"].value_counts(normalize=True) * 100
        true = percent.reindex(shares["type"], fill_value=0).to_numpy()
        inside += ((shares["low"] <= true) & (true <= shares["high"])).tolist()
    return (
        f"count: {study.path / 'count.csv'}; of {len(inside)} shares on {counted['slide'].nunique()} slides without "
        f"labels, {sum(inside)} are within their 95 % interval"
    )


def _truth(study: Study, slide: str) -> pd.DataFrame:
    """The true cells of a synthetic slide, one row per white blood cell."""
    return pd.read_parquet(Path(read_record(study, slide).path).with_suffix(".truth.parquet"))
