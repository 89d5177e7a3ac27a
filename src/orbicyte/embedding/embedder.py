"""A trained network ready to use: patches in, representations out."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orbicyte.arrays import Floats, Pixels
from orbicyte.data.images import MIN_SIDE_PX, UnreadableImage, eight_bit_rgb
from orbicyte.data.resizing import ResizePlan
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE
from orbicyte.progress import warn
from orbicyte.study.runs import RunFolder
from orbicyte.training.networks import load_network

BATCH, GPU_BATCH = 64, 256
"""Patches that are embedded at once. On a processor, the features of more exceed its cache: 128 are 12 % slower."""


@dataclass(frozen=True)
class Embedding:
    """Posterior means and angles of N images; the representation of an image is its posterior mean.

    ``mean``, ``log_variance``: (N, D); ``angle_rad`` (N,): the angle found, None for networks that find none;
    ``confidence`` (N,): how clear that angle is, in [0, 1], None for networks that do not give it.
    """

    mean: Floats
    log_variance: Floats
    angle_rad: Floats | None
    confidence: Floats | None

    def __getitem__(self, images: slice) -> "Embedding":
        """That of some of the images."""
        angle, confidence = (None if found is None else found[images] for found in (self.angle_rad, self.confidence))
        return Embedding(self.mean[images], self.log_variance[images], angle, confidence)


class Embedder:
    """A trained network with everything needed to embed images with it.

    ``folder``: the run. ``device``: a device of torch, such as ``cuda:0``; by default a GPU if there is one. Raises
    ``OrbicyteError`` if the folder is not a run, its training has not ended, or its files are damaged.
    """

    def __init__(self, folder: RunFolder, device: str | None = None) -> None:
        self.folder = folder
        self.record = folder.record()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.view = View(**vars(self.record.view))
        self.batch = BATCH if self.device.type == "cpu" else GPU_BATCH
        self.network: VAE = load_network(folder, self.record).to(self.device)
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        view, network = self.view, self.network
        return (
            f"Embedder({self.record.network} of {self.folder.path}: patches of {view.side_px} px, seen as "
            f"{view.size_px} px -> {network.latent_size} numbers, on {self.device})"
        )

    def embed(self, images: NDArray[np.generic] | Sequence[NDArray[np.generic]], mpp: float | None = None) -> Floats:
        """Representations (N, latent_size) float32 of images with one cell in the centre of each.

        ``images``: (N, H, W), (N, H, W, 3) or (N, H, W, 4), or a sequence of arrays that may differ in size; 8 or 16
        bits, or floats in [0, 1]. ``mpp``: their µm per pixel, if known. They are read and embedded in batches.
        Images whose scale differs from that of the training are scaled with a warning: by µm per pixel if it is known
        for both, else by size. Raises ``OrbicyteError`` for arrays that are not images.
        """
        parts = []
        for start in range(0, len(images), self.batch):
            batch = enumerate(images[start : start + self.batch], start)
            parts.append(self.embed_stored(self.prepare((_patch(image, at) for at, image in batch), mpp)))
        return joined(parts, self.network.latent_size).mean

    def prepare(self, patches: Iterable[Pixels], mpp: float | None = None) -> Pixels:
        """Convert patches (H, W, 3) of any size to the store's format, (N, side, side, 3); warns if it scales them.

        Raises ``OrbicyteError`` for an ``mpp`` that is not above 0.
        """
        if mpp is not None and not 0 < mpp < math.inf:
            raise OrbicyteError(f"µm per pixel must be above 0, got {mpp}")
        side = self.view.side_px
        known = self.record.mpp
        plan = ResizePlan(side, self.view.view_px, reference_um=known * side if mpp and known else None)
        resized = [self._resized(patch, plan, mpp) for patch in patches]
        return np.stack(resized) if resized else np.zeros((0, side, side, 3), np.uint8)

    def _resized(self, patch: Pixels, plan: ResizePlan, mpp: float | None) -> Pixels:
        square, scale = min(patch.shape[:2]), math.nan if mpp is None else mpp
        how = _scaling(square, plan, scale)
        if how is not None and how not in self._warned:
            self._warned.add(how)
            warn(f"images of {square} px are scaled {how}")
        return plan.apply(patch, scale)

    @torch.inference_mode()
    def embed_stored(self, images: Pixels, angle_rad: float = 0.0) -> Embedding:
        """Embed patches of the store's size (N, side, side, 3) in batches, all first rotated by ``angle_rad``."""
        parts = [self._embedded(patches) for patches in self._batches(images, angle_rad)]
        return joined(parts, self.network.latent_size)

    @torch.inference_mode()
    def embed_rotated(self, images: Pixels, angles_deg: Sequence[float]) -> list[Embedding]:
        """``embed_stored`` of the same patches at several angles in degrees, except for rounding, in less time."""
        at_angles: list[list[Embedding]] = [[] for _ in angles_deg]
        for start in range(0, len(images), self.batch):
            discs = self.view.discs(self._on_device(images[start : start + self.batch]))
            for parts, patches in zip(at_angles, self.view.each_rotated(discs, angles_deg), strict=True):
                parts.append(self._embedded(patches))
        return [joined(parts, self.network.latent_size) for parts in at_angles]

    @torch.inference_mode()
    def reconstruct(
        self, images: Pixels, angle_rad: float = 0.0, embedding: Embedding | None = None
    ) -> tuple[Floats, Floats]:
        """Inputs of the network and its reconstructions in the same orientation: each (N, S, S, 3) in [0, 1].

        ``images``: patches of the store's size (N, side, side, 3), all rotated by the same angle first; ``embedding``:
        that of the rotated patches if it is known, so that it need not be computed.
        """
        pairs = []
        for at, patches in enumerate(self._batches(images, angle_rad)):
            some = slice(at * self.batch, (at + 1) * self.batch)
            found = self._embedded(patches) if embedding is None else embedding[some]
            angle = None if found.angle_rad is None else torch.from_numpy(found.angle_rad).to(self.device)
            picture = self.network.picture(torch.from_numpy(found.mean).to(self.device), angle)
            pairs.append((self.network.view(patches), picture))
        inputs, reconstructions = (
            torch.cat(part).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy() for part in zip(*pairs, strict=True)
        )
        return inputs, reconstructions

    def _embedded(self, patches: torch.Tensor) -> Embedding:
        code = self.network.encode(patches)
        of_pose = (
            None if found is None else found.float().cpu().numpy() for found in (code.angle_rad, code.confidence)
        )
        return Embedding(code.posterior.mean.cpu().numpy(), code.posterior.log_variance.cpu().numpy(), *of_pose)

    def _batches(self, images: Pixels, angle_rad: float) -> Iterator[torch.Tensor]:
        for start in range(0, len(images), self.batch):
            batch = self._on_device(images[start : start + self.batch])
            yield self.view(batch, torch.full((len(batch),), angle_rad, device=self.device) if angle_rad else None)

    def _on_device(self, images: Pixels) -> torch.Tensor:
        return torch.from_numpy(np.array(images)).to(self.device)


def _scaling(square_px: int, plan: ResizePlan, mpp: float) -> str | None:
    """A message on how ``plan`` scales such patches; None if it keeps their scale. ``mpp`` may be NaN."""
    is_copied = plan.is_copied(plan.cut_px(square_px, mpp))
    if plan.mpp is None:
        unknown = "" if math.isnan(mpp) else ", because the training's µm per pixel is unknown"
        return None if is_copied else f"by size to {plan.side_px} px{unknown}"
    if not math.isclose(plan.stored_mpp(square_px, mpp), plan.mpp):
        return f"by size to {plan.side_px} px, because they show less than the training's {plan.reference_um:.3g} µm"
    return None if is_copied else f"from {mpp:.3g} to {plan.mpp:.3g} µm per pixel"


def _patch(image: NDArray[np.generic], number: int) -> Pixels:
    """One image as 8-bit RGB (H, W, 3). Raises ``OrbicyteError`` with its number."""
    values = np.asarray(image)
    if values.dtype.kind not in "bf" and values.dtype not in (np.uint8, np.uint16):
        raise OrbicyteError(f"image {number} has type {values.dtype}: expected uint8, uint16, or floats from 0 to 1")
    if values.ndim < 2:
        raise OrbicyteError("expected images (N, H, W) or (N, H, W, 3), got one image: pass images[None]")
    try:
        patch = eight_bit_rgb(values) if values.size else np.zeros((0, 0, 3), np.uint8)
    except UnreadableImage as error:
        raise OrbicyteError(f"image {number}: {error}") from None
    if min(patch.shape[:2]) < MIN_SIDE_PX:
        raise OrbicyteError(f"image {number} has shape {values.shape}: expected at least {MIN_SIDE_PX} px per side")
    return patch


def joined(parts: list[Embedding], latent_size: int) -> Embedding:
    """The embeddings of several batches as one; ``latent_size`` is D if there is no batch."""
    if not parts:
        empty = np.zeros((0, latent_size), np.float32)
        return Embedding(empty, empty, None, None)
    angles = [part.angle_rad for part in parts if part.angle_rad is not None]
    confidences = [part.confidence for part in parts if part.confidence is not None]
    return Embedding(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.log_variance for part in parts]),
        np.concatenate(angles) if angles else None,
        np.concatenate(confidences) if confidences else None,
    )


def load(run: Path | str, device: str | None = None) -> Embedder:
    """The trained network in the run folder ``run``, or the shipped one for ``"pretrained"``.

    ``device`` as for ``Embedder``. Raises ``OrbicyteError`` if the folder is not a run, its training has not ended, or
    its files are damaged.
    """
    return Embedder(RunFolder.of(run), device)
