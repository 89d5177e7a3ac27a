"""Small slides, and a stand-in for a detector that finds cells, fails or is killed, depending on the slide's name."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orbicyte.stages.detect.tasks import SlideTask


@pytest.fixture
def draw_slide() -> Callable[..., Path]:
    """Writes speckles as a plain image: ``draw_slide(path, seed, mpp)``; another seed is another slide."""

    def draw(path: Path, seed: int = 0, mpp: float | None = 0.25) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, (90, 120, 3), np.uint8)
        options: dict[str, Any] = {} if mpp is None else {"dpi": (25400 / mpp, 25400 / mpp)}
        Image.fromarray(pixels).save(path, **options)
        return path

    return draw


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes stand-in detectors, which worker processes can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (tmp_path / "log").mkdir()
    module = importlib.import_module("standin_detector")

    def make(**fields: Any) -> Any:
        return module.StandinDetector(str(tmp_path / "log"), **fields)

    return make


@pytest.fixture
def tries(tmp_path: Path) -> Callable[[str], int]:
    """The number of times a slide was processed."""
    return lambda slide: len(list((tmp_path / "log").glob(f"{slide}.*")))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slides are processed in this process, for tests that are not about processes."""

    class NoCluster:
        def __enter__(self) -> "NoCluster":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def finished(self, do: Any, tasks: list[SlideTask], _: object) -> Any:
            for task in tasks:
                yield task, do(task, "topic")

    monkeypatch.setattr("orbicyte.stages.detect.tasks.report", lambda *_: None)
    monkeypatch.setattr("orbicyte.stages.detect.stage.local_cluster", lambda *_: NoCluster())


@pytest.fixture
def smears(tmp_path: Path, draw_slide: Callable[..., Path]) -> Path:
    """A folder with the slides a and b."""
    for seed, name in enumerate(("a", "b")):
        draw_slide(tmp_path / "smears" / f"{name}.png", seed)
    return tmp_path / "smears"
