"""The variational auto-encoder that every variant is an instance of."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.models.posterior import Posterior
from orbicyte.models.read_outs import Reading
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings


@dataclass(frozen=True)
class Code:
    """An encoded batch.

    ``angle_rad`` (B,): the angle found, None for networks that find none; ``confidence`` (B,): of that angle, in
    [0, 1], None if the network gives none; ``aligned``: what the encoder saw, (B, 3, size, size) in [0, 1]: the patches
    rotated by minus the angle of the pose.
    """

    posterior: Posterior
    angle_rad: Tensor | None
    confidence: Tensor | None
    aligned: Tensor

    def __getitem__(self, cells: slice) -> "Code":
        """The codes of some cells of the batch."""
        angle = None if self.angle_rad is None else self.angle_rad[cells]
        confidence = None if self.confidence is None else self.confidence[cells]
        return Code(self.posterior[cells], angle, confidence, self.aligned[cells])

    def rotated(self, angle_rad: Tensor) -> "Code":
        """The code with the angle of cells that are rotated by another ``angle_rad`` (B,)."""
        return self if self.angle_rad is None else replace(self, angle_rad=self.angle_rad + angle_rad)


class VAE(nn.Module):
    """angle -> rotate by -angle -> posterior -> decode -> (rotate back, if the variant has ``rotate_back``).

    The angle is found by the pose, before the encoder, or by the read-out, after it; then nothing is rotated before it.

    Input is (B, 3, input_px, input_px) in [0, 1], where input_px exceeds ``network.size_px`` for patches with a margin.
    Everything outside the inscribed disc is first replaced by the constant ``fill_rgb``, so the corners of an input
    change no output, and no angle can be inferred from them.
    """

    fill: Tensor

    def __init__(self, variant: Variant, network: NetworkSettings, fill_rgb: tuple[float, ...]) -> None:
        super().__init__()
        self.size_px = network.size_px
        self.latent_size = network.latent_size
        self.rotate_back = variant.rotate_back
        self.zero_background = variant.zero_background
        self.averaged_rotations = variant.averaged_rotations
        self.averaged_turn = variant.averaged_turn
        self.pose = variant.pose(network)
        self.encoder = variant.encoder(network)
        self.read_out = variant.read_out(network, self.encoder)
        self.decoder = variant.decoder(network)
        self.projection = None if variant.projection is None else variant.projection(network)
        self.register_buffer("fill", torch.tensor(fill_rgb), persistent=False)

    def seen(self, patches: Tensor) -> Tensor:
        """``patches`` (B, 3, S, S), constant outside the disc: all that networks, losses and measures see."""
        return geometry.keep_disc(patches, self.fill, inset_px=geometry.RIM_PX)

    def view(self, patches: Tensor) -> Tensor:
        """The central square of ``size_px`` of patches that may have a margin: (B, 3, size, size).

        Raises ``ValueError`` if it cannot be central.
        """
        return geometry.crop(self.seen(patches), self.size_px)

    def encode(self, patches: Tensor) -> Code:
        """Posterior, angle and aligned patches of patches (B, 3, input_px, input_px) in [0, 1].

        In evaluation mode, posterior and angle are averages over the ``averaged_rotations`` of the variant.
        """
        disc = self.seen(patches)
        code = self._encode(disc)
        if self.training or self.averaged_rotations == 1:
            return code
        steps = [self.averaged_turn * k / self.averaged_rotations for k in range(1, self.averaged_rotations)]
        angles = [torch.full_like(disc[:, 0, 0, 0], step) for step in steps]
        others = [self._encode(geometry.rotate(disc, angle, self.fill)).rotated(-angle) for angle in angles]
        return averaged([code, *others])

    def _encode(self, disc: Tensor) -> Code:
        angle = self.pose(geometry.crop(disc, self.size_px))
        rotated = disc if angle is None else geometry.rotate(disc, -angle, self.fill)
        aligned = geometry.crop(rotated, self.size_px)
        reading: Reading = self.read_out(self.features(aligned))
        found = reading.angle_rad if angle is None else angle
        return Code(reading.posterior, found, reading.confidence, aligned)

    def features(self, aligned: Tensor) -> Tensor:
        """The encoder's output for aligned patches (B, 3, size, size), constant outside the disc.

        (B, features), or fields (B, channels, s, s) for a read-out of fields.
        """
        features: Tensor = self.encoder(self.encoder_input(aligned))
        return features

    def encoder_input(self, aligned: Tensor) -> Tensor:
        """``aligned`` (B, 3, size, size) minus the colour outside the disc for variants with ``zero_background``."""
        return aligned - self.fill.reshape(-1, 1, 1) if self.zero_background else aligned

    def decode(self, z: Tensor, angle_rad: Tensor | None) -> Tensor:
        """Reconstruction (B, 3, size, size) of ``z`` (B, latent_size), in [0, 1], except for rounding.

        It is aligned, or rotated by ``angle_rad`` (B,), the angle of the code, if the variant has ``rotate_back``.
        """
        aligned: Tensor = self.decoder(z).float()
        if not self.rotate_back or angle_rad is None:
            return geometry.keep_disc(aligned, self.fill, inset_px=geometry.RIM_PX)
        rotated = geometry.rotate(geometry.keep_disc(aligned, self.fill), angle_rad, self.fill)
        return geometry.keep_disc(rotated, self.fill, inset_px=geometry.RIM_PX)

    def reconstruct(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs as seen and the reconstructions of their posterior means, each (B, 3, size, size).

        Both have the orientation of the input. ``patches``: (B, 3, input_px, input_px) in [0, 1].
        """
        code = self.encode(patches)
        return self.view(patches), self.picture(code.posterior.mean, code.angle_rad)

    def picture(self, mean: Tensor, angle_rad: Tensor | None) -> Tensor:
        """The reconstructions (B, 3, size, size) of a posterior's means (B, latent_size) and the angles found (B,), in
        the orientation of the input.
        """
        picture = self.decode(mean, angle_rad)
        if angle_rad is None or self.rotate_back:
            return picture
        return self.seen(geometry.rotate(picture, angle_rad, self.fill))


def averaged(codes: list[Code]) -> Code:
    """The mean of several codes of the same cells: of mean and log variance, and of the direction of the angle.

    The confidence is that of the mean direction, lower where the codes disagree; ``aligned`` is the first's.
    """
    mean, log_variance = (
        torch.stack([getattr(code.posterior, name) for code in codes]).mean(0) for name in ("mean", "log_variance")
    )
    first = replace(codes[0], posterior=Posterior(mean, log_variance))
    if first.angle_rad is None:
        return first
    lengths = [torch.ones_like(first.angle_rad) if code.confidence is None else code.confidence for code in codes]
    angles = [code.angle_rad for code in codes if code.angle_rad is not None]
    x, y = (
        torch.stack([length * part(angle) for length, angle in zip(lengths, angles, strict=True)]).mean(0)
        for part in (torch.cos, torch.sin)
    )
    confidence = None if first.confidence is None else torch.hypot(x, y)
    return replace(first, angle_rad=torch.atan2(y, x), confidence=confidence)


def build(variant: Variant, network: NetworkSettings, fill_rgb: tuple[float, ...], seed: int) -> VAE:
    """The network with random initial weights that depend on ``seed`` only; ``fill_rgb`` is in [0, 1]."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Stored patches have channels last: convolutions in that layout are almost twice as fast on a CPU.
        network_of_seed = VAE(variant, network, fill_rgb)
        for parameter in network_of_seed.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return network_of_seed
