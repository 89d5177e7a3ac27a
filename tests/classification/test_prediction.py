from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import orbicyte
from orbicyte import geometry
from orbicyte.classification.prediction import variance_unexplained, warn_if_unlike
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder

RUN = "baseline-fold1-seed0"


@pytest.fixture
def embedder(trained: Path) -> Embedder:
    """A trained network."""
    return orbicyte.load(trained / "runs" / RUN, device="cpu")


def test_variance_unexplained_does_not_depend_on_the_batch(trained: Path, embedder: Embedder) -> None:
    images = PatchStore.open(trained / "patches").images
    unexplained = variance_unexplained(embedder, images)
    assert unexplained.shape == (len(images),)
    assert (unexplained > 0).all()
    parts = [variance_unexplained(embedder, part) for part in (images[:7], images[7:])]
    np.testing.assert_allclose(unexplained, np.concatenate(parts), rtol=1e-3)
    known = variance_unexplained(embedder, images, embedder.embed_stored(images))
    np.testing.assert_allclose(known, unexplained, rtol=1e-6)


def test_a_reconstruction_by_the_mean_colour_leaves_all_variance_unexplained(
    trained: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = PatchStore.open(trained / "patches").images[:5]
    inputs, _ = embedder.reconstruct(images)
    loss = embedder.record.settings.loss
    weight = geometry.centre_weight(inputs.shape[1], loss.centre_form, loss.centre_width).numpy()[..., None]
    mean = (inputs * weight).sum((1, 2), keepdims=True) / weight.sum()
    for made, expected in ((inputs, 0), (np.broadcast_to(mean, inputs.shape), 1)):
        monkeypatch.setattr(embedder, "reconstruct", lambda _, embedding, made=made: (inputs, made))
        np.testing.assert_allclose(variance_unexplained(embedder, images), expected, atol=0.05)


@pytest.mark.parametrize(
    ("cells", "outside", "restandardised", "advice"),
    [
        (200, 100, False, "try --restandardise if their mixture of types is about that of those cells, or label them"),
        (200, 100, True, "uncertain; label them"),
        (10, 10, False, "uncertain; label them"),  # too few to re-standardise
        (200, 10, False, None),
    ],
)
def test_a_warning_names_what_helps_where_many_cells_are_out_of_distribution(
    cells: int, outside: int, restandardised: bool, advice: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    warn_if_unlike(pd.DataFrame({"out_of_distribution": np.arange(cells) < outside}), "label them", restandardised)
    printed = capfd.readouterr().err
    if advice is None:
        assert not printed
    else:
        assert printed.startswith(f"warning: {outside / cells:.0%} of the cells are out of distribution")
        assert printed.endswith(advice + "\n")
        assert printed.count("\n") == 1
