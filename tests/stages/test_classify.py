import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import orbicyte
from orbicyte.classification.classifier import load_classifier
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.classify import classify
from orbicyte.stages.classify_fit import classify_fit
from orbicyte.stages.train import train
from orbicyte.study.types import MANY_OUTSIDE
from orbicyte.synthetic import draw_study

RUN = "baseline-fold1-seed0"
NAMES = {"lymphocyte": "lympho, small", "eosinophilic granulocyte": 'eo <"rosé"> 🩸'}
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory, tiny: Settings) -> Path:
    """A study of synthetic cells with unusual names of types, a network trained for a while, and its classifier."""
    folder = tmp_path_factory.mktemp("typed")
    draw_study(folder / "cells", labelled=120, unlabelled=120, seed=1, size_px=32)
    table = pd.read_csv(folder / "cells" / "labels.csv")
    table.replace({"label": NAMES}).drop(columns="slide").to_csv(folder / "cells" / "labels.csv", index=False)
    orbicyte.import_(folder / "cells", folder / "study")
    training = ["training.max_epochs=15", "training.learning_rate=0.005", "training.batch_size=8"]
    network = ["network.latent_size=8", "network.widths=8,16"]
    train(folder / "study", "baseline", settings=tiny.changed([*training, *network]))
    classify_fit(folder / "study" / "runs" / RUN)
    return folder


@pytest.fixture(scope="module")
def new_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty cells of a slide that the network was not trained on."""
    folder = tmp_path_factory.mktemp("new") / "cells"
    draw_study(folder, labelled=40, unlabelled=0, seed=7, size_px=32)
    return folder


def run_of(typed: Path) -> Path:
    return typed / "study" / "runs" / RUN


def save(folder: Path, pictures: list[Pixels], name: str) -> None:
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{name}_{i}.png")


def stripes(period_px: float, angle_rad: float) -> Pixels:
    y, x = np.mgrid[:32, :32]
    bright = np.sin((x * np.cos(angle_rad) + y * np.sin(angle_rad)) * 2 * np.pi / period_px) > 0
    return np.repeat(np.where(bright, 235, 90).astype(np.uint8)[..., None], 3, axis=2)


def test_the_classifier_is_stored_in_the_run_folder(typed: Path) -> None:
    classifier = load_classifier(run_of(typed) / "classifier")
    labels = PatchStore.open(typed / "study" / "patches").types
    assert classifier.classes == sorted(labels)
    assert classifier.card["cells"] == labels
    assert len(classifier.card["fold_macro_f1"]) == classifier.card["folds"] == 2
    assert min(classifier.card["fold_macro_f1"]) > 0.1  # ten types: chance is below 0.1
    assert classifier.card["calibration"].keys() == {"before", "after"}
    assert classifier.card["limit_cells"] == 120


def test_one_row_per_cell_with_type_and_probabilities(typed: Path, new_cells: Path, tmp_path: Path) -> None:
    out = classify(new_cells, run=run_of(typed), out=tmp_path / "there" / "cells.csv")
    table, classes = pd.read_csv(out), load_classifier(run_of(typed) / "classifier").classes
    expected = [
        "file",
        "type",
        *(f"p_{name}" for name in classes),
        "out_of_distribution",
        "distance",
        "variance_unexplained",
    ]
    assert table.columns.tolist() == expected
    assert table["file"].tolist() == sorted(path.name for path in new_cells.glob("*.png"))
    probabilities = table[[f"p_{name}" for name in classes]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-3)
    of_type = probabilities[np.arange(40), [classes.index(name) for name in table["type"]]]
    np.testing.assert_array_equal(of_type, probabilities.max(1))
    assert (table["out_of_distribution"] == ((table["distance"] > 1) | (table["variance_unexplained"] > 1))).all()
    truth = pd.read_csv(new_cells / "labels.csv").set_index("file")["label"].replace(NAMES)
    assert (table["type"].to_numpy() == truth[table["file"]].to_numpy()).mean() > 0.15  # chance is 0.1


def test_files_in_folders_have_their_relative_path(typed: Path, new_cells: Path, tmp_path: Path) -> None:
    first, second, *_ = sorted(new_cells.glob("*.png"))
    (tmp_path / "in" / "b, ü").mkdir(parents=True)
    shutil.copy(first, tmp_path / "in" / "b, ü" / "x.png")
    shutil.copy(second, tmp_path / "in" / "a.png")
    table = pd.read_csv(classify(tmp_path / "in", run=run_of(typed), out=tmp_path / "cells.csv"))
    assert table["file"].tolist() == ["a.png", "b, ü/x.png"]
    alone = pd.read_csv(classify(tmp_path / "in" / "a.png", run=run_of(typed), out=tmp_path / "one.csv"))
    pd.testing.assert_frame_equal(alone, table[:1])


def test_probabilities_of_stored_cells_are_those_of_their_embeddings(typed: Path, tmp_path: Path) -> None:
    store, embedder = PatchStore.open(typed / "study" / "patches"), orbicyte.load(run_of(typed))
    x = embedder.embed_stored(store.images).mean
    table = pd.read_csv(classify(typed / "cells", run=run_of(typed), out=tmp_path / "cells.csv"))
    table = table.set_index("file").loc[store.cells["file"]]
    classifier = load_classifier(run_of(typed) / "classifier")
    written = table[[f"p_{name}" for name in classifier.classes]]
    np.testing.assert_allclose(written, classifier.probabilities(x), atol=1e-3)
    flagged = table["out_of_distribution"].to_numpy()[store.labelled]
    assert flagged.mean() <= 0.05


def test_images_without_a_cell_are_out_of_distribution(
    typed: Path, new_cells: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    cells = [np.asarray(Image.open(path)) for path in sorted(new_cells.glob("*.png"))[:20]]
    even = [np.full((32, 32, 3), level, np.uint8) for level in (0, 128, 255)]
    background = np.array(PatchStore.open(typed / "study" / "patches").fill_rgb) * 255
    blank = [rng.normal(background, 3, (32, 32, 3)).round().clip(0, 255).astype(np.uint8) for _ in range(10)]
    folder = tmp_path / "odd"
    save(folder, even, "even")
    save(folder, blank, "blank")
    save(folder, [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(20)], "noise")
    save(folder, [stripes(period, angle) for period in (4, 8, 12) for angle in (0, 0.5, 1.2, 2)], "stripes")
    save(folder, [np.roll(cell, (16, 16), (0, 1)) for cell in cells], "offcentre")
    table = pd.read_csv(classify(folder, run=run_of(typed), out=tmp_path / "odd.csv"))
    share = table["out_of_distribution"].groupby(table["file"].str.split("_").str[0]).mean()
    assert share.drop("offcentre").min() >= 0.9, share
    assert share["offcentre"] >= 0.5, share
    warning = "of the cells are out of distribution: their stain, scanner or scale is not that of the cells that the"
    assert warning in capfd.readouterr().err
    ordinary = pd.read_csv(classify(new_cells, run=run_of(typed), out=tmp_path / "new.csv"))
    outside = ordinary["out_of_distribution"].mean()
    assert outside <= 0.25
    assert (warning in capfd.readouterr().err) == (outside > MANY_OUTSIDE)


def test_unreadable_files_are_left_out_with_a_warning(
    typed: Path, new_cells: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(next(new_cells.glob("*.png")), folder / "good.png")
    (folder / "bad.png").write_text("no image")
    Image.new("RGB", (3, 3)).save(folder / "small.png")
    out = classify(folder, run=run_of(typed), out=tmp_path / "cells.csv")
    assert pd.read_csv(out)["file"].tolist() == ["good.png"]
    printed = capfd.readouterr().err
    assert f"warning: {folder / 'bad.png'} is left out: not an image, or a damaged one" in printed
    assert f"warning: {folder / 'small.png'} is left out: 3 x 3 px, less than 16 px" in printed
    (folder / "good.png").unlink()
    out.unlink()
    with pytest.raises(OrbicyteError, match=r"none of 2 images in .* could be read"):
        classify(folder, run=run_of(typed), out=out)
    assert not out.exists()


def test_missing_images_folder_or_classifier_are_one_line_errors(
    typed: Path, trained: Path, new_cells: Path, tmp_path: Path
) -> None:
    with pytest.raises(OrbicyteError, match="no images in"):
        classify(tmp_path, run=run_of(typed), out=tmp_path / "cells.csv")
    with pytest.raises(OrbicyteError, match="cannot list the folder"):
        classify(tmp_path / "nowhere", run=run_of(typed), out=tmp_path / "cells.csv")
    with pytest.raises(OrbicyteError, match="make one with 'orbicyte classify-fit"):
        classify(new_cells, run=trained / "runs" / RUN, out=tmp_path / "cells.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_embedded(
    typed: Path, new_cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.embedding.Embedder.embed_stored", None)
    with pytest.raises(OrbicyteError, match=f"cannot write {tmp_path}: it is a folder"):
        classify(new_cells, run=run_of(typed), out=tmp_path)
    with pytest.raises(OrbicyteError, match=r"cells\.h5ad: expected a name that ends in \.csv"):
        classify(new_cells, run=run_of(typed), out=tmp_path / "cells.h5ad")


def test_an_interrupted_write_keeps_the_old_table(
    typed: Path, new_cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "cells.csv"
    out.write_text("before")

    def interrupted(table: pd.DataFrame, path: Path, **_: object) -> None:
        path.write_text("file,ty")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        classify(new_cells, run=run_of(typed), out=out)
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["cells.csv"]
