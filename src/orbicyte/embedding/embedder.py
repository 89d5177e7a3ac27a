"""A trained network ready to use: patches in, representations out."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from orbicyte.arrays import Floats, Pixels
from orbicyte.data.conversion import UnreadableImage, colours, eight_bit_rgb, rgb
from orbicyte.data.images import MIN_SIDE_PX
from orbicyte.data.resizing import ResizePlan
from orbicyte.data.values import Extent, Ranges, decide, describe, extent_of, kind_of, stated_ranges
from orbicyte.data.views import View
from orbicyte.devices import device_of, exact_float32
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE
from orbicyte.progress import print_line, warn
from orbicyte.study.runs import RunFolder
from orbicyte.training.networks import load_network

BATCH, GPU_BATCH = 64, 256
"""Patches that are embedded at once. On a processor, the features of more exceed its cache: 128 are 12 % slower."""
CHUNK_BYTES = 2**26
"""Of the pixels of stored patches in memory: 128 patches have up to 418 px."""


def in_chunks(count: int, size: int) -> list[slice]:
    """Slices of ``size`` that cover ``count`` items, such as patches, in order; the last may end behind them."""
    return [slice(start, start + size) for start in range(0, count, size)]


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


Images = NDArray[np.generic] | torch.Tensor | Iterable[NDArray[np.generic] | torch.Tensor | Image.Image]
"""Images with one cell in the centre of each, of one or of several sizes."""


class Embedder:
    """A trained network with everything needed to embed images with it.

    ``folder``: the run. ``device``: a device of torch, such as ``cuda:0``; by default a GPU if there is one. Raises
    ``OrbicyteError`` if the folder is not a run, its training has not ended, its files are damaged, or the device
    cannot be used.
    """

    def __init__(self, folder: RunFolder, device: str | None = None) -> None:
        self.folder = folder
        self.record = folder.record()
        self.device = device_of(device)
        self.view = View(**vars(self.record.view))
        self.batch = self.chunk(BATCH if self.device.type == "cpu" else GPU_BATCH)
        self.network: VAE = load_network(folder, self.record).to(self.device)
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        view, network = self.view, self.network
        return (
            f"Embedder({self.record.network} of {self.folder.path}: patches of {view.side_px} px, seen as "
            f"{view.size_px} px -> {network.latent_size} numbers, on {self.device})"
        )

    def embed(self, images: Images, mpp: float | None = None, value_range: tuple[float, float] | None = None) -> Floats:
        """Representations (N, latent_size) float32 of images with one cell in the centre of each.

        ``images``: (N, H, W), (N, H, W, 3), (N, H, W, 4) or (N, 3, H, W), or several arrays, tensors or Pillow images
        that may differ in size; 8 or 16 bits, or floats. ``mpp``: their µm per pixel, if known; ``value_range``: black
        and white of images of more than 8 bits, by default decided once for all of them, and printed if it is not the
        usual one (see ``orbicyte.data.values``). They are read and embedded in batches. Images whose scale differs from
        that of the training are scaled with a warning: by µm per pixel if it is known for both, else by size. Raises
        ``OrbicyteError`` for arrays that are not images, and if no range is plausible for all of them.
        """
        parts, several = [], _sliceable(images)
        ranges = None if value_range is None else stated_ranges(value_range)
        for chunk in in_chunks(len(several), self.batch):
            arrays = _arrays(several, chunk)
            if ranges is None and any(kind_of(array) is not None for array in arrays):
                ranges = self._decided(several, chunk.start)
            patches = (_patch(array, at, ranges) for at, array in enumerate(arrays, chunk.start))
            parts.append(self.embed_stored(self.prepare(patches, mpp)))
        return joined(parts, self.network.latent_size).mean

    def _decided(self, images: Any, start: int) -> Ranges:
        """The ranges of all images, those from number ``start`` on: earlier ones have 8 bits. Printed if not usual."""
        extents: list[Extent] = []
        for at in range(start, len(images), self.batch):
            for number, array in enumerate(_arrays(images, slice(at, at + self.batch)), at):
                extent = extent_of(colours(array), f"image {number}")
                extents += [] if extent is None else [extent]
        ranges = decide(extents)
        if not ranges.is_usual(extents) and str(ranges) not in self._warned:
            self._warned.add(str(ranges))
            for line in describe(ranges, extents):
                print_line(line)
        return ranges

    def chunk(self, most: int) -> int:
        """How many patches are in memory at the same time: at most ``most``, fewer if they are large."""
        return max(1, min(most, CHUNK_BYTES // (3 * self.view.side_px**2)))

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

    @exact_float32()
    @torch.inference_mode()
    def embed_stored(self, images: Pixels, angle_rad: float = 0.0) -> Embedding:
        """Embed patches of the store's size (N, side, side, 3) in batches, all first rotated by ``angle_rad``."""
        parts = [self._embedded(patches) for patches in self._batches(images, angle_rad)]
        return joined(parts, self.network.latent_size)

    @exact_float32()
    @torch.inference_mode()
    def embed_rotated(self, images: Pixels, angles_deg: Sequence[float]) -> list[Embedding]:
        """``embed_stored`` of the same patches at several angles in degrees, except for rounding, in less time."""
        at_angles: list[list[Embedding]] = [[] for _ in angles_deg]
        for chunk in in_chunks(len(images), self.batch):
            discs = self.view.discs(self._on_device(images[chunk]))
            for parts, patches in zip(at_angles, self.view.each_rotated(discs, angles_deg), strict=True):
                parts.append(self._embedded(patches))
        return [joined(parts, self.network.latent_size) for parts in at_angles]

    @exact_float32()
    @torch.inference_mode()
    def reconstruct(
        self, images: Pixels, angle_rad: float = 0.0, embedding: Embedding | None = None
    ) -> tuple[Floats, Floats]:
        """Inputs of the network and its reconstructions in the same orientation: each (N, S, S, 3) in [0, 1].

        ``images``: patches of the store's size (N, side, side, 3), all rotated by the same angle first; ``embedding``:
        that of the rotated patches if it is known, so that it need not be computed.
        """
        pairs = []
        for chunk, patches in zip(in_chunks(len(images), self.batch), self._batches(images, angle_rad), strict=True):
            found = self._embedded(patches) if embedding is None else embedding[chunk]
            angle = None if found.angle_rad is None else torch.from_numpy(found.angle_rad).to(self.device)
            picture = self.network.picture(torch.from_numpy(found.mean).to(self.device), angle)
            self._require_finite(picture)
            pairs.append((self.network.view(patches), picture))
        inputs, reconstructions = (
            torch.cat(part).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy() for part in zip(*pairs, strict=True)
        )
        return inputs, reconstructions

    def _embedded(self, patches: torch.Tensor) -> Embedding:
        code = self.network.encode(patches)
        self._require_finite(code.posterior.mean, code.posterior.log_variance)
        of_pose = (
            None if found is None else found.float().cpu().numpy() for found in (code.angle_rad, code.confidence)
        )
        return Embedding(code.posterior.mean.cpu().numpy(), code.posterior.log_variance.cpu().numpy(), *of_pose)

    def _require_finite(self, *outputs: torch.Tensor) -> None:
        """Raise ``OrbicyteError`` for NaN: a comparison with a limit would be False, and the cell like any other."""
        if not all(bool(torch.isfinite(output).all()) for output in outputs):
            raise OrbicyteError(
                f"the network of {self.folder.path} gives numbers that are not finite: its weights are damaged; "
                f"delete {self.folder.path} and train it again"
            )

    def _batches(self, images: Pixels, angle_rad: float) -> Iterator[torch.Tensor]:
        for chunk in in_chunks(len(images), self.batch):
            batch = self._on_device(images[chunk])
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


def _sliceable(images: Images) -> Any:
    """``images`` with a length and slices; a generator is read. Raises ``OrbicyteError`` for anything else."""
    if isinstance(images, str | bytes | dict) or not (hasattr(images, "__getitem__") or isinstance(images, Iterable)):
        wanted = "images (N, H, W) or (N, H, W, 3), or several arrays"
        raise OrbicyteError(f"expected {wanted}, got {type(images).__name__}")
    return images if hasattr(images, "__len__") and hasattr(images, "__getitem__") else list(images)


def _arrays(images: Any, chunk: slice) -> list[NDArray[np.generic]]:
    """The images of one batch. Raises ``OrbicyteError`` if they cannot be read."""
    try:
        batch = images[chunk]
    except Exception as error:  # sequences of other libraries raise all kinds of errors
        raise OrbicyteError(f"the images from number {chunk.start} on cannot be read in a slice: {error}") from error
    if isinstance(batch, torch.Tensor):
        batch = _array(batch, chunk.start)
    return [_array(image, number) for number, image in enumerate(batch, chunk.start)]


def _array(image: object, number: int) -> NDArray[np.generic]:
    """One image, or several as one tensor, as an array. Raises ``OrbicyteError`` with its number."""
    try:
        if isinstance(image, torch.Tensor):
            tensor = image.detach()
            return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).resolve_conj().cpu().numpy()
        if isinstance(image, Image.Image):
            return np.asarray(image) if image.mode.startswith(("I", "F")) else rgb(image)
        return np.asarray(image)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise OrbicyteError(f"image {number} is not an array: {' '.join(str(error).split())}") from error


def _patch(values: NDArray[np.generic], number: int, ranges: Ranges | None) -> Pixels:
    """One image as 8-bit RGB (H, W, 3). Raises ``OrbicyteError`` with its number."""
    if values.dtype.kind not in "bf" and values.dtype not in (np.uint8, np.uint16):
        raise OrbicyteError(f"image {number} has type {values.dtype}: expected uint8, uint16, or floats from 0 to 1")
    if values.ndim < 2:
        raise OrbicyteError("expected images (N, H, W) or (N, H, W, 3), got one image: pass images[None]")
    try:
        patch = eight_bit_rgb(values, ranges) if values.size else np.zeros((0, 0, 3), np.uint8)
    except UnreadableImage as error:
        raise OrbicyteError(f"image {number}: {error}") from None
    if min(patch.shape[:2]) < MIN_SIDE_PX:
        is_row = values.ndim == 2 and values.shape[1] in (3, 4)
        advice = "; for one image (H, W, 3), pass images[None]" if is_row else ""
        raise OrbicyteError(
            f"image {number} has shape {values.shape}: expected at least {MIN_SIDE_PX} px per side{advice}"
        )
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
