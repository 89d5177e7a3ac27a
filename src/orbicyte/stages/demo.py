"""demo: drawn cells made on the spot, then the whole way to the report."""

from pathlib import Path

from orbicyte.data.synthetic import draw_study
from orbicyte.presets import quick
from orbicyte.progress import say
from orbicyte.settings import Settings
from orbicyte.stages.run import run
from orbicyte.study import replacing

LABELLED = 400
UNLABELLED = 800
SIZE_PX = 96
BUDGET = [
    "training.max_epochs=7",
    "training.patience=5",
    "network.widths=12,24,48,96",
    "network.harmonic_widths=8,16,32,64",
    "evaluation.cells=200",
    "evaluation.angle_step_deg=30",
]
"""What lets the demo end within five minutes on two cores."""


def demo(out: Path | str = "demo", *, seed: int = 0) -> Path:
    """Draw cells into ``out/cells`` and run the study ``out/study`` on them, every network at w = 0.5."""
    out = Path(out)
    cells = out / "cells"
    if not cells.exists():
        say(f"drawing {LABELLED + UNLABELLED} cells into {cells}")
        with replacing(cells) as drawing:
            draw_study(drawing, labelled=LABELLED, unlabelled=UNLABELLED, seed=seed, size_px=SIZE_PX)
    return run(cells, out / "study", rotation_weights=(0.5,), settings=demo_settings(seed))


def demo_settings(seed: int) -> Settings:
    """The quick preset within the demo's budget."""
    return quick().changed([f"seed={seed}", *BUDGET])
