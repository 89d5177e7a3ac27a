"""Patches in, representations out: a trained run ready to use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orbicyte.data.fitting import Fit
from orbicyte.data.images import UnreadableImage, eight_bit_rgb
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE
from orbicyte.progress import warn
from orbicyte.training.run_folder import RunFolder

BATCH = 128

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Embedding:
    """``mean`` (N, D), the representation: the posterior's mean; ``log_variance`` (N, D); ``angle_rad`` (N,) or None."""

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
        self._told = False

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
            try:
                patches = [eight_bit_rgb(np.asarray(image)) for image in images[start : start + BATCH]]
            except UnreadableImage as error:
                raise OrbicyteError(f"images {start} to {start + BATCH - 1}: {error}") from None
            parts.append(self.stored(self.prepared(patches, mpp)))
        return joined(parts, self.network.latent_size).mean

    def prepared(self, patches: Sequence[NDArray[np.uint8]], mpp: float | None = None) -> NDArray[np.uint8]:
        """Patches (H, W, 3) of any size as the store would hold them, (N, side, side, 3); tells when it rescales."""
        side = self.view.side_px
        fit = Fit(side, self.view.field_px, reference_um=self.mpp * side if mpp and self.mpp else None)
        self._tell([min(patch.shape[:2]) for patch in patches], fit, mpp)
        return np.stack([fit.apply(patch, mpp or np.nan) for patch in patches])

    def _tell(self, squares: list[int], fit: Fit, mpp: float | None) -> None:
        rescaled = [square for square in squares if not fit.is_copied(fit.cut_px(square, mpp or np.nan))]
        if not rescaled or self._told:
            return
        self._told = True
        how = (
            f"by size to {self.view.side_px} px"
            if fit.reference_um is None
            else f"from {mpp:g} to {self.mpp:g} µm per pixel"
        )
        warn(f"images of {rescaled[0]} px are scaled {how}, as the network was trained")

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
