"""Run folders that are made to harm whoever loads them: refused before they take memory or run anything."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.adversarial.damage import edited
from tests.adversarial.victim import IMAGES, RUN

from orbicyte.classification.classifier import Classifier, load_classifier
from orbicyte.embedding import load
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import read_json, write_json
from orbicyte.study.runs import RunFolder

LARGE: list[tuple[tuple[str, ...], Any]] = [
    (("settings", "network", "latent_size"), 10**6),
    (("settings", "network", "latent_size"), 4096),
    (("settings", "network", "widths"), [20_000, 20_000]),
    (("settings", "network", "widths"), [4096, 4096]),
    (("settings", "network", "widths"), [1] * 10**5),
    (("settings", "network", "pose_widths"), [10**9]),
    (("settings", "network", "blocks"), 10**5),
    (("settings", "network", "blocks"), 32),
    (("settings", "network", "size_px"), 2**20),
    (("settings", "network", "size_px"), 1024),
    (("settings", "network", "projection_hidden"), 10**9),
    (("settings", "network", "harmonic_kernel_px"), 10**5 + 1),
    (("settings", "network", "harmonic_widths"), [4096] * 5),
    (("settings", "network", "read_out_hidden"), 10**9),
    (("settings", "training", "batch_size"), 10**12),
    (("settings", "evaluation", "cells"), 10**12),
    (("settings", "seed"), 2**70),
    (("view", "side_px"), 2**30),
    (("view", "side_px"), 2048),
    (("view", "view_px"), 1),
    (("network",), "../../baseline"),
    (("network",), "framed_hnet"),
    (("network",), "x" * 10**5),
    (("state",), "training"),
]

POSSIBLE = [(("view", "side_px"), 2048), (("view", "view_px"), 1)]
"""Those that need less memory than the limit."""


@pytest.fixture
def run(victim: Path, tmp_path: Path) -> Path:
    """The test's own copy of a run, as a release without digests would have written it."""
    folder = Path(shutil.copytree(victim / "runs" / RUN, tmp_path / "run"))
    content = read_json(folder / "run.json")
    write_json(folder / "run.json", content | {"digests": {}})
    return folder


def test_large_settings_are_refused_in_little_memory(run: Path, tmp_path: Path) -> None:
    content = read_json(run / "run.json")
    runs = tmp_path / "runs"
    shutil.copytree(run, runs / "99")
    for number, (place, value) in enumerate(LARGE):
        folder = shutil.copytree(run, runs / f"{number:02}")
        (folder / "run.json").write_text(json.dumps(edited(content, place, value)))
    script = Path(__file__).with_name("hostile_runs.py")
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, str(script), str(runs)], capture_output=True, text=True, env=environment, timeout=300
    )
    assert result.returncode == 0, result.stderr
    *lines, last = result.stdout.splitlines()
    for (place, value), line in zip(LARGE, lines, strict=True):
        assert (place, value) in POSSIBLE or ": orbicyte: " in line, line
        assert len(line) < 2000, line[:100]
    assert last == "99: gives (2, 4)"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(run: Path, value: float) -> None:
    weights = load_file(run / "weights.safetensors")
    for name in sorted(name for name, values in weights.items() if values.dtype.kind == "f")[::10]:
        changed = weights[name].copy()
        changed.flat[-1] = value
        save_file({**weights, name: changed}, run / "weights.safetensors")
        with pytest.raises(OrbicyteError, match=f"{name} has numbers that are not finite"):
            load(run, "cpu")


def test_weights_that_overflow_give_no_embedding(run: Path) -> None:
    weights = load_file(run / "weights.safetensors")
    huge = {name: np.full_like(values, 3e38) if values.ndim > 1 else values for name, values in weights.items()}
    save_file(huge, run / "weights.safetensors")
    with pytest.raises(OrbicyteError, match="gives numbers that are not finite"):
        load(run, "cpu").embed(IMAGES)


@pytest.mark.parametrize("kind", ["float64", "float16", "int32"])
def test_weights_of_another_type_are_of_another_network(run: Path, kind: str) -> None:
    weights = load_file(run / "weights.safetensors")
    save_file({name: values.astype(kind) for name, values in weights.items()}, run / "weights.safetensors")
    with pytest.raises(OrbicyteError, match="of another network"):
        load(run, "cpu")


def test_what_cannot_be_compared_is_out_of_distribution(victim: Path) -> None:
    classifier: Classifier = load_classifier(victim / "runs" / RUN / "classifier")
    values = np.array([0.0, np.nan, 0.0, np.inf])
    assert classifier.out_of_distribution(values, values[[0, 0, 1, 0]]).tolist() == [False, True, True, True]


def test_nothing_in_a_working_directory_is_run(run: Path, tmp_path: Path) -> None:
    about = run / "evil-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[orbicyte.variants]\nonly_stn = evil\n[orbicyte.metrics]\nevil = evil\n")
    proof = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    for name in ("evil", "torch", "safetensors", "typer"):
        (run / f"{name}.py").write_text(proof)
    images = tmp_path / "images"
    images.mkdir()
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    words = ["embed", str(images), "--model", ".", "--out", str(tmp_path / "x.h5ad")]
    result = subprocess.run(
        [sys.executable, "-m", "orbicyte", *words],
        cwd=run,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert result.returncode == 2, result.stderr
    assert "images" in result.stderr
    assert not (tmp_path / "ran").exists()
    assert RunFolder(run).record().network == "only_stn"
