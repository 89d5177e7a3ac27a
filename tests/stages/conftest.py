"""A study with slides whose cells a small network can distinguish."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.arrays import Pixels
from orbicyte.embedding import Embedder, Embedding
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.stages.classify_fit import classify_fit
from orbicyte.stages.cut import cut
from orbicyte.stages.run import run
from orbicyte.stages.train import train
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, write_cells
from orbicyte.study.slides import write_record

MPP = 0.25
SIDE_PX = 300
SPACING_PX = 36
COLOURS = {"dark": (70, 40, 110), "red": (190, 60, 60), "grey": (150, 150, 160)}
SLIDES = 8
LABELLED = 4
"""Slides whose cells are labelled, except the last two cells of each."""


@pytest.fixture
def interrupt_embedding(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Interrupts a batch, by its number from 1, before it is embedded; gives the sizes of all batches as they come."""

    def interrupt(number: int) -> list[int]:
        sizes, make = list[int](), Embedder.embed_stored

        def interrupted(self: Embedder, images: Pixels, angle_rad: float = 0.0) -> Embedding:
            sizes.append(len(images))
            if len(sizes) == number:
                raise KeyboardInterrupt
            return make(self, images, angle_rad)

        monkeypatch.setattr(Embedder, "embed_stored", interrupted)
        return sizes

    return interrupt


@pytest.fixture(scope="session")
def spotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of eight slides with 49 round spots of three colours each; those of four slides are labelled. Copy it."""
    folder = tmp_path_factory.mktemp("spotted")
    study = Study.create(folder / "study")
    for number in range(SLIDES):
        name = f"s{number}"
        types, places = _draw(folder / f"{name}.tif", number)
        _register(study, folder / f"{name}.tif", name, places)
        if number < LABELLED:
            _label(study, name, types[:-2])
    return study.path


@pytest.fixture(scope="session")
def spotted_run(spotted: Path, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with patches, two networks trained and evaluated, and the report. Copy it."""
    study = Path(shutil.copytree(spotted, tmp_path_factory.mktemp("spotted_run") / "study"))
    cut(study, mpp=MPP, view_px=16)
    run(study, networks=["baseline", "only_stn"], rotation_weights=[0.5], settings=tiny)
    return study


@pytest.fixture(scope="session")
def shipped_run(spotted_run: Path, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small framed_hnet and its classifier of those types, to take the place of the shipped one. Copy it."""
    study = Path(shutil.copytree(spotted_run, tmp_path_factory.mktemp("shipped_run") / "study"))
    trained = train(study, "framed_hnet", settings=tiny)
    classify_fit(trained)
    return trained


def _draw(path: Path, seed: int) -> tuple[list[str], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    image = random.normal(235, 4, (SIDE_PX, SIDE_PX, 3))
    axis = np.arange(40, SIDE_PX - 40, SPACING_PX)
    places = np.array([(x, y) for y in axis for x in axis]) + random.uniform(-3, 3, (len(axis) ** 2, 2))
    types = random.choice(list(COLOURS), len(places), p=np.roll([0.6, 0.3, 0.1], seed)).tolist()
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5
    for (x_0, y_0), type_ in zip(places, types, strict=True):
        spot = np.hypot((x - x_0) / random.uniform(4, 6), (y - y_0) / 5) < 1
        image[spot] = COLOURS[type_] + random.normal(0, 12, (spot.sum(), 3))
    pixels = image.clip(0, 255).astype(np.uint8)
    resolution = (1e4 / MPP, 1e4 / MPP)
    tifffile.imwrite(path, pixels, tile=(64, 64), photometric="rgb", resolution=resolution, resolutionunit=3)
    return types, places


def _register(study: Study, path: Path, name: str, places: NDArray[np.float64]) -> None:
    with open_slide(path, mpp=MPP) as slide:
        info = slide.info
    write_record(study, record_of(name, info, MPP))
    cells = pd.DataFrame(places, columns=["x_px", "y_px"])
    cells["id"] = [cell_id(info.fingerprint, x, y) for x, y in places]
    cells[["x_um", "y_um"]] = cells[["x_px", "y_px"]] * MPP
    write_cells(study, name, cells.assign(diameter_um=2.5, score=0.9, outline_px=None))


def _label(study: Study, slide: str, types: list[str]) -> None:
    with ReviewStore.open(study) as store:
        cells = [cell for cell, _ in zip(store.cells(slide), types, strict=False)]
        about = {"slide": slide, "kind": "name"}
        store.append(
            "Ada",
            [
                {"id": str(uuid.uuid4()), "cell": cell, **about, "after": {"label": type_}}
                for cell, type_ in zip(cells, types, strict=True)
            ],
        )
