"""The variational auto-encoder that every variant is an instance of."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.models.posterior import Posterior
from orbicyte.models.variant import Variant
from orbicyte.settings import NetworkSettings


@dataclass(frozen=True)
class Code:
    """An encoded batch: its posterior, the angle found ((B,) radians, None without a pose), the upright patches."""

    posterior: Posterior
    angle_rad: Tensor | None
    aligned: Tensor

    def __getitem__(self, cells: slice) -> "Code":
        """The codes of some cells of the batch."""
        angle = None if self.angle_rad is None else self.angle_rad[cells]
        return Code(self.posterior[cells], angle, self.aligned[cells])


class VAE(nn.Module):
    """angle -> rotate by -angle -> posterior -> decode -> (rotate back, if the variant says so).

    Input is (B, 3, input_px, input_px) in [0, 1], where input_px exceeds ``network.size_px`` for patches with a margin.
    Whatever lies outside the inscribed disc is replaced by the constant ``fill_rgb`` first, so an input's corners
    change no output and no angle can be read from them.
    """

    fill: Tensor

    def __init__(self, variant: Variant, network: NetworkSettings, fill_rgb: tuple[float, ...]) -> None:
        super().__init__()
        self.size_px = network.size_px
        self.latent_size = network.latent_size
        self.rotate_back = variant.rotate_back
        self.zero_background = variant.zero_background
        self.pose = variant.pose(network)
        self.encoder = variant.encoder(network)
        features = self.encoder.out_features
        assert isinstance(features, int)
        self.read_out = nn.Linear(features, 2 * network.latent_size)
        self.decoder = variant.decoder(network)
        self.register_buffer("fill", torch.tensor(fill_rgb), persistent=False)

    def seen(self, patches: Tensor) -> Tensor:
        """The disc of the patches, constant outside: all that networks, losses and measures see."""
        return geometry.keep_disc(patches, self.fill, inset_px=geometry.RIM_PX)

    def view(self, patches: Tensor) -> Tensor:
        """The field of view of size ``size_px`` in patches that may have a margin."""
        return geometry.crop(self.seen(patches), self.size_px)

    def encode(self, patches: Tensor) -> Code:
        """Posterior, angle and upright field of patches (B, 3, input_px, input_px)."""
        disc = self.seen(patches)
        angle = self.pose(geometry.crop(disc, self.size_px))
        upright = disc if angle is None else geometry.rotate(disc, -angle, self.fill)
        field = geometry.crop(upright, self.size_px)
        mean, log_variance = self.read_out(self.features(field)).float().chunk(2, dim=1)
        # Beyond these bounds exp() overflows before any loss could pull the value back.
        return Code(Posterior(mean, log_variance.clamp(-12, 6)), angle, field)

    def features(self, field: Tensor) -> Tensor:
        """What the encoder makes of upright fields (B, 3, size, size), the disc of which is seen: (B, features)."""
        features: Tensor = self.encoder(self.given(field))
        return features

    def given(self, field: Tensor) -> Tensor:
        """What the encoder is given: ``field``, or its difference from the colour outside the disc."""
        return field - self.fill.reshape(-1, 1, 1) if self.zero_background else field

    def decode(self, z: Tensor, code: Code) -> Tensor:
        """Reconstruction (B, 3, size, size): upright, or as the input lies if the variant turns back."""
        upright: Tensor = self.decoder(z).float()
        if not self.rotate_back or code.angle_rad is None:
            return geometry.keep_disc(upright, self.fill, inset_px=geometry.RIM_PX)
        turned = geometry.rotate(geometry.keep_disc(upright, self.fill), code.angle_rad, self.fill)
        return geometry.keep_disc(turned, self.fill, inset_px=geometry.RIM_PX)

    def reconstruct(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs as seen and the reconstructions of their posterior means, both as the input lies."""
        code = self.encode(patches)
        picture = self.decode(code.posterior.mean, code)
        if code.angle_rad is not None and not self.rotate_back:
            picture = self.seen(geometry.rotate(picture, code.angle_rad, self.fill))
        return self.view(patches), picture


def build(variant: Variant, network: NetworkSettings, fill_rgb: tuple[float, ...], seed: int) -> VAE:
    """The network with weights drawn from ``seed``, whatever random numbers were drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Stored patches come with colours last: convolutions in that order are almost twice as fast on a CPU.
        network_of_seed = VAE(variant, network, fill_rgb)
        for parameter in network_of_seed.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return network_of_seed
