"""Patches in, representations out: a trained run ready to use."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orbicyte.data.fitting import Fit
from orbicyte.data.images import MIN_SIDE_PX, UnreadableImage, eight_bit_rgb
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE
from orbicyte.progress import warn
from orbicyte.training.run_folder import RunFolder

BATCH = 128

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Embedding:
    """``mean`` (N, D), the representation: posterior mean; ``log_variance`` (N, D); ``angle_rad`` (N,) or None."""

    mean: Floats
    log_variance: Floats
    angle_rad: Floats | None


class Embedder:
    """A trained network with everything needed to present images to it.

    ``device``: as torch names it; found by itself by default.
    """

    def __init__(self, folder: RunFolder, device: str | None = None) -> None:
        self.folder = folder
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.view: View = folder.view()
        self.mpp: float | None = folder.record()["mpp"]
        self.network: VAE = folder.load_network().to(self.device)
        self._told: set[str] = set()

    def embed(
        self, images: NDArray[np.generic] | Sequence[NDArray[np.generic]], mpp: float | None = None
    ) -> NDArray[np.float32]:
        """Representations (N, latent_size) of images with one cell in the centre of each.

        ``images``: (N, H, W), (N, H, W, 3) or (N, H, W, 4), or a sequence of arrays that may differ in size; 8 or 16
        bits, or floats in [0, 1]. ``mpp``: their µm per pixel, where known. They are read and embedded in batches.
        Images of another scale than the training's are scaled, by µm per pixel where known on both sides, else by
        size, and one line tells so. Raises ``OrbicyteError`` for what is no image.
        """
        parts = []
        for start in range(0, len(images), BATCH):
            batch = enumerate(images[start : start + BATCH], start)
            parts.append(self.stored(self.prepared((_patch(image, at) for at, image in batch), mpp)))
        return joined(parts, self.network.latent_size).mean

    def prepared(self, patches: Iterable[NDArray[np.uint8]], mpp: float | None = None) -> NDArray[np.uint8]:
        """Patches (H, W, 3) of any size as the store would hold them, (N, side, side, 3); tells when it rescales.

        Raises ``OrbicyteError`` for an ``mpp`` that is not above 0.
        """
        if mpp is not None and not 0 < mpp < math.inf:
            raise OrbicyteError(f"µm per pixel must be above 0, got {mpp}")
        side = self.view.side_px
        fit = Fit(side, self.view.field_px, reference_um=self.mpp * side if mpp and self.mpp else None)
        fitted = [self._fitted(patch, fit, mpp) for patch in patches]
        return np.stack(fitted) if fitted else np.zeros((0, side, side, 3), np.uint8)

    def _fitted(self, patch: NDArray[np.uint8], fit: Fit, mpp: float | None) -> NDArray[np.uint8]:
        square, scale = min(patch.shape[:2]), math.nan if mpp is None else mpp
        how = _scaling(square, fit, scale)
        if how is not None and how not in self._told:
            self._told.add(how)
            warn(f"images of {square} px are scaled {how}")
        return fit.apply(patch, scale)

    @torch.inference_mode()
    def stored(self, images: NDArray[np.uint8], turn_rad: float = 0.0) -> Embedding:
        """Embed patches of the store's size, (N, side, side, 3), all turned by the same angle, in batches."""
        parts = []
        for patches in self._batches(images, turn_rad):
            code = self.network.encode(patches)
            angle = None if code.angle_rad is None else code.angle_rad.float().cpu().numpy()
            parts.append(Embedding(code.posterior.mean.cpu().numpy(), code.posterior.log_variance.cpu().numpy(), angle))
        return joined(parts, self.network.latent_size)

    @torch.inference_mode()
    def pictures(self, images: NDArray[np.uint8], turn_rad: float = 0.0) -> tuple[Floats, Floats]:
        """Patches as the network sees them, and its reconstructions, as the input lies: (N, S, S, 3) in [0, 1]."""
        pairs = [self.network.reconstruct(patches) for patches in self._batches(images, turn_rad)]
        seen, made = (
            torch.cat(part).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy() for part in zip(*pairs, strict=True)
        )
        return seen, made

    def _batches(self, images: NDArray[np.uint8], turn_rad: float) -> Iterator[torch.Tensor]:
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(np.array(images[start : start + BATCH])).to(self.device)
            yield self.view(batch, torch.full((len(batch),), turn_rad, device=self.device) if turn_rad else None)


def _scaling(square_px: int, fit: Fit, mpp: float) -> str | None:
    """How ``fit`` scales such patches, in words; None where it keeps their scale. ``mpp`` may be NaN."""
    is_copied = fit.is_copied(fit.cut_px(square_px, mpp))
    if fit.mpp is None:
        unknown = "" if math.isnan(mpp) else ", for the training's µm per pixel is not known"
        return None if is_copied else f"by size to {fit.side_px} px{unknown}"
    if not math.isclose(fit.stored_mpp(square_px, mpp), fit.mpp):
        return f"by size to {fit.side_px} px, for they show less than the training's {fit.reference_um:.3g} µm"
    return None if is_copied else f"from {mpp:.3g} to {fit.mpp:.3g} µm per pixel"


def _patch(image: NDArray[np.generic], number: int) -> NDArray[np.uint8]:
    """One image as 8-bit RGB (H, W, 3). Raises ``OrbicyteError`` naming its number."""
    values = np.asarray(image)
    if values.dtype.kind not in "bf" and values.dtype not in (np.uint8, np.uint16):
        raise OrbicyteError(f"image {number} is of {values.dtype}: expected uint8, uint16, or floats from 0 to 1")
    if values.ndim < 2:
        raise OrbicyteError("expected images (N, H, W) or (N, H, W, 3), got one image: pass images[None]")
    try:
        patch = eight_bit_rgb(values) if values.size else np.zeros((0, 0, 3), np.uint8)
    except UnreadableImage as error:
        raise OrbicyteError(f"image {number}: {error}") from None
    if min(patch.shape[:2]) < MIN_SIDE_PX:
        raise OrbicyteError(f"image {number} is of shape {values.shape}: expected {MIN_SIDE_PX} px or more a side")
    return patch


def joined(parts: list[Embedding], latent_size: int) -> Embedding:
    """The embeddings of several batches as one."""
    if not parts:
        empty = np.zeros((0, latent_size), np.float32)
        return Embedding(empty, empty, None)
    angles = [part.angle_rad for part in parts if part.angle_rad is not None]
    return Embedding(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.log_variance for part in parts]),
        np.concatenate(angles) if angles else None,
    )


def load(run: Path | str, device: str | None = None) -> Embedder:
    """The trained network in the run folder ``run``. Raises ``OrbicyteError`` if it is none or not finished."""
    return Embedder(RunFolder(Path(run)), device)
