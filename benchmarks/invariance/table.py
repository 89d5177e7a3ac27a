"""The table of all results."""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from orbicyte.reporting.experiment.files import table_lines

MEASURES = {
    "F1 linear": "f1/linear",
    "F1 MLP": "f1/mlp",
    "every-angle F1 linear": "every_angle_f1/linear",
    "multiples of 90° only": "every_angle_f1/linear/multiples_of_90",
    "every-angle F1 MLP": "every_angle_f1/mlp",
    "multiples of 90° only, MLP": "every_angle_f1/mlp/multiples_of_90",
    "one type linear": "one_type/linear",
    "one type MLP": "one_type/mlp",
    "movement raw": "movement/raw",
    "movement standardised": "movement/standardised",
    "KL ratio": "rotation_kl/ratio",
    "retrieval": "retrieval_accuracy",
    "angle below 10°": "pose_consistency/below_10_deg",
    "SSIM": "ssim",
    "asymmetry explained": "asymmetry/explained",
}
"""Columns of the table, and the names of the measures."""
COLUMNS = ("row", "seeds", "trained on", "epochs", "CPU minutes", "parameters", *MEASURES)
SHORT_ROWS = ("baseline", "inv_hnet", "pooled_cnn", "framed_hnet")
SHORT_COLUMNS = ("row", "F1 linear", "F1 MLP", "one type MLP", "movement standardised", "SSIM", "CPU minutes")
"""Rows and columns of the README."""


def table(folder: Path, names: Iterable[str]) -> str:
    """A line for each of the rows ``names`` that has results in ``folder``, and what they were measured on."""
    results = read(folder)
    return "\n".join([*lines(results, names, COLUMNS), "", *(notes(results) if results else ["no results yet"])])


def short_table(folder: Path) -> str:
    """The table of the README: few rows and columns, without notes."""
    return "\n".join(lines(read(folder), SHORT_ROWS, SHORT_COLUMNS))


def read(folder: Path) -> list[dict[str, Any]]:
    """All results in ``folder``."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def lines(results: list[dict[str, Any]], names: Iterable[str], columns: Sequence[str]) -> list[str]:
    """A table in Markdown of these rows and columns."""
    rows = []
    for name in names:
        own = [result for result in results if result["row"] == name]
        if own:
            texts = dict(zip(COLUMNS, line(name, own), strict=True))
            rows.append([texts[column] for column in columns])
    return table_lines(columns, rows)


def line(name: str, results: list[dict[str, Any]]) -> list[str]:
    """The cells of one row with all ``COLUMNS``, from its results with several seeds."""
    trainings = [result["training"] for result in results if result["training"]]
    minutes = [training["minutes"] for training in trainings if training["minutes"] is not None]
    parameters = results[0]["parameters"]
    measures = [result["measures"] for result in results]
    return [
        name,
        ", ".join(str(result["seed"]) for result in results),
        f"{trainings[0]['cells']:,}" if trainings else "–",
        f"{statistics.mean(training['epochs'] for training in trainings):.0f}" if trainings else "–",
        f"{statistics.mean(minutes):.1f}" if minutes else "–",
        "–" if parameters is None else f"{parameters:,}",
        *(summary([values[key] for values in measures if key in values]) for key in MEASURES.values()),
    ]


def summary(values: list[float]) -> str:
    """Mean ± standard deviation."""
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def notes(results: list[dict[str, Any]]) -> list[str]:
    """What the table was measured on, and what its columns mean."""
    cells = results[0]["cells"]
    rotated = max(result["cells"]["rotated"] for result in results)
    devices = sorted({result["training"]["device"] for result in results if result["training"]})
    return [
        f"Cells of PBC (Acevedo et al. 2020). F1: on {cells['test_part']:,} of {cells['labelled']:,} labelled cells, "
        f"in five folds. Other measures: on {rotated} cells that no network was trained on, at 12 angles, every 30°.",
        "Multiples of 90° only: every-angle F1 of the same cells at these angles, at which framed_hnet has no "
        "movement, so that it is their F1 at one angle: the difference between both columns is the cost of other "
        "angles.",
        f"Mean ± standard deviation over the seeds; – where a row has no such value. CPU minutes: of training, on "
        f"{' or '.join(devices) or 'no device'}, mean of the seeds that have them; of the ceiling for all folds "
        "together. Other work on the machine at the same time makes them longer.",
        "baseline-eight-rotations: the means of baseline-rotated-views over rotations by multiples of 45°, at which it "
        "has no movement by construction. ceiling: trained with labels; its F1 linear is that of its own last layer.",
    ]
