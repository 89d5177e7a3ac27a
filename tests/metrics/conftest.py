"""Synthetic evidence: arrays with known results, without a network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from orbicyte.arrays import Floats, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import PROBES, linear_probe
from orbicyte.metrics.border_f1 import border_colours
from orbicyte.metrics.evidence import Evidence, LabelledEvidence, Pictures, Picturing
from orbicyte.settings import EvaluationSettings, LossSettings

MakeEvidence = Callable[..., Evidence]
SIZE_PX = 24


def blurred_noise(rng: np.random.Generator, cells: int) -> Floats:
    coarse = rng.uniform(0.2, 0.8, (cells, 8, 8, 3))
    return np.repeat(np.repeat(coarse, 3, 1), 3, 2).astype(np.float32)


def fixed_pictures(inputs: Floats, reconstructions: Floats) -> Picturing:
    def pictures(angle: int, cells: Rows | None = None) -> Pictures:
        chosen = slice(None) if cells is None else cells
        return Pictures(inputs[chosen], reconstructions[chosen])

    return pictures


def labelled_cells(rng: np.random.Generator, angles: int) -> LabelledEvidence:
    """60 cells of three types that the first dimension separates; rotation does not change their representation."""
    types = np.array(["band", "lymphocyte", "myelocyte"] * 20)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    x[:, 0] += 10 * (np.arange(60) % 3)
    rotated = np.arange(20, 50)
    is_selection = np.arange(60) < 15
    return LabelledEvidence(
        cells=LabelledCells(np.arange(60), types, np.arange(60).astype(str), "cell", is_selection),
        x=x,
        border=border_colours(rng.uniform(0, 1, (60, 16, 3)).astype(np.float32)),
        rotated=rotated,
        rotated_x=np.repeat(x[None, rotated], angles, 0),
    )


@pytest.fixture
def make_evidence() -> MakeEvidence:
    """Evidence of 12 cells in 4 dimensions at eight angles, perfectly invariant; keywords replace attributes."""

    def make(**attributes: Any) -> Evidence:
        rng = np.random.default_rng(0)
        angles_deg = attributes.get("angles_deg", np.arange(8) * 45.0)
        angles = len(angles_deg)
        inputs = blurred_noise(rng, 12)
        reconstructions = np.clip(inputs + rng.normal(0, 0.1, inputs.shape), 0, 1).astype(np.float32)
        content: dict[str, Any] = {
            "angles_deg": angles_deg,
            "mean": np.repeat(rng.normal(size=(1, 12, 4)), angles, 0).astype(np.float32),
            "log_variance": np.repeat(rng.normal(-1, 0.3, size=(1, 12, 4)), angles, 0).astype(np.float32),
            "pose_rad": (np.deg2rad(angles_deg)[:, None] + rng.uniform(0, 6, 12)).astype(np.float32),
            "pictures": fixed_pictures(inputs, reconstructions),
            "labelled": labelled_cells(rng, angles),
            "evaluation": EvaluationSettings(folds=3),
            "loss": LossSettings(),
            "seed": 1,
        }
        return Evidence(**content | attributes)

    return make


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that do not depend on the probe: the perceptron takes most of the time."""
    monkeypatch.setitem(PROBES, "mlp", linear_probe)
