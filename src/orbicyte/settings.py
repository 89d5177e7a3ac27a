"""All settings of a study, each with its type, its range and the reason for its default.

If the paper does not specify a choice, the choice is a setting here, with its reason. ``orbicyte.presets`` has the two
shipped sets of values; ``--set section.name=value`` changes one setting, whose type and range are checked.
"""

import json
import reprlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orbicyte.errors import OrbicyteError

Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels of a stage."""


class Section(BaseModel):
    """A group of settings. It is immutable, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Former names of settings, which older files contain, and their current names."""

    FORMER: ClassVar[Mapping[str, Any]] = {}
    """What files written before a setting existed mean by not having it, where that is not the present default."""

    @model_validator(mode="before")
    @classmethod
    def _in_present_names(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {cls.RENAMED.get(name, name): value for name, value in content.items()}


class NetworkSettings(Section):
    """Sizes of the networks, and choices that the paper does not specify."""

    RENAMED = {"turned_views": "rotated_views"}
    FORMER = {
        "harmonic_first_px": 7,
        "harmonic_blur_px": 0.0,
        "harmonic_fade": 0.0,
        "harmonic_gate": "relu",
        "harmonic_branch": "opposite",
        "framed_rotations": 1,
        "detail_map_px": 0,
    }

    size_px: int = Field(64, ge=16, le=1024, multiple_of=16)
    """Side in pixels of the square that the network sees (paper 2.1: 256)."""
    widths: tuple[Width, ...] = Field((16, 32, 64, 128), min_length=1, max_length=10)
    """Channels of the encoder's stages, each at half the resolution of the previous one; the decoder mirrors them."""
    blocks: int = Field(1, ge=1, le=32)
    """Residual blocks per stage (He et al. 2016, as in the paper's networks, 2.3)."""
    latent_size: int = Field(64, ge=1, le=4096)
    """Dimensions of the representation (not in the paper): a few per type, for ten types and their variation."""
    pose_widths: tuple[Width, ...] = Field((8, 16, 32), min_length=1, max_length=10)
    """Channels of the stages of the spatial transformer's localisation network (not in the paper; Jaderberg et al. use
    two to four convolutions). Each stage halves the resolution."""
    pose_start_deg: float = Field(0.0, ge=-360, le=360)
    """Angle in degrees that the transformer finds in every patch before training. 0°, as Jaderberg et al. start at the
    identity: training then starts like that of a plain VAE."""
    pose_output: Literal["cos_sin", "angle"] = "cos_sin"
    """How the transformer outputs the angle. cos_sin: as the direction of a 2-vector, without a jump at 360°; angle: as
    one unbounded number, as in a generic transformer."""
    rotated_views: bool = False
    """Whether the baseline is trained on rotated views. The paper's is "a normal VAE without additional efforts"."""
    judge_reconstruction: Literal["after", "before"] = "after"
    """When the reconstruction is compared with the input. after: after rotation back to the input's orientation, as in
    the paper's SSIM and Fig. 4; before: the aligned reconstruction is compared with the aligned input, so that the
    rotation back does not blur it."""

    harmonic_widths: tuple[Width, ...] = Field((16, 24, 48, 96), min_length=2, max_length=10)
    """Real channels, two per field, of a harmonic encoder's first convolution and of each stage after it (paper 2.3:
    deeper than H-Net's seven convolutions). Each stage halves the resolution. Fewer than in the plain encoder, as the
    filters are larger: a training step then takes less than twice the time."""
    harmonic_kernel_px: int = Field(5, ge=3, le=31)
    """Side of the harmonic filters in pixels, odd; the first filters of equ_hnet have ``harmonic_first_px``."""
    harmonic_first_px: int = Field(15, ge=3, le=63)
    """Side in pixels, odd, of the first filters of a network without fields of order 0 (equ_hnet): its whole input
    passes through them, and small ones alias."""
    harmonic_blur_px: float = Field(1.5, ge=0, le=20)
    """Standard deviation in pixels of a Gaussian blur before the first filters of such a network; 0 for none. Finer
    structure than this has a large equivariance error in fields of order 2."""
    harmonic_fade: float = Field(0.375, ge=0, le=1)
    """Share of the disc's radius on which the input of a harmonic encoder fades to the background, at the rim. A sharp
    rim is an edge on the pixel grid that does not rotate with the cell; 0 for a sharp rim."""
    harmonic_gate: Literal["smooth", "relu"] = "smooth"
    """Non-linearity of the magnitude |f| of a field. smooth: f |f|² / (|f|² + t²) with a learned threshold t; relu:
    ReLU(|f| + b) f / |f| (Worrall et al. 2017), whose kink creates frequencies that the pixel grid aliases."""
    harmonic_branch: Literal["opposite", "zero"] = "zero"
    """Rotation orders of the two convolutions of a residual block; their sum must be 0 (paper 2.3). zero: (0, 0), with
    isotropic filters (plain rings), so that no field has a higher order than the network's; opposite: (+m, -m) with the
    network's order m, so that the inner fields have order 2 m, which alias most. The same for inv_hnet."""
    harmonic_read_out: Literal["magnitude", "real"] = "magnitude"
    """Which features of the fields the posterior is computed from. magnitude: the mean over the map of each field's
    magnitude, which is invariant to rotation (as in H-Net, Worrall et al. 2017); real: the real part of the field's
    mean, which keeps the phase, so a field of order 2 depends on the orientation of the cell, and only transformer and
    rotation loss make it invariant."""

    framed_widths: tuple[Width, ...] = Field((16, 32, 64), min_length=2, max_length=10)
    """As harmonic_widths, for framed_hnet. By default a stage less: its maps end at a quarter of the side. At an
    eighth, of 64 px, a nucleus is three pixels wide, and the fields change much more when the cell is rotated."""
    framed_rotations: int = Field(2, ge=1, le=8)
    """Rotations of the patch, 90° divided by this number apart, over which framed_hnet averages its representation and
    angle in evaluation mode. Rotations by 90° change nothing in it, so two are an average over eight, which removes
    half of the movement that the pixel grid causes; embedding takes twice as long."""
    read_out_rings: int = Field(3, ge=1, le=10)
    """Rings around the centre on which framed_hnet averages its fields: nucleus, cytoplasm, surroundings."""
    read_out_hidden: int = Field(0, ge=0, le=8192)
    """Hidden units of the read-out of its invariant part; 0 for a linear layer. The projection for the contrastive loss
    has hidden units of its own: what it discards, a linear layer before it keeps."""
    projection_hidden: int = Field(256, ge=1, le=8192)
    """Hidden units of that projection (Chen et al. 2020)."""
    detail_share: float = Field(0.125, gt=0, lt=1)
    """Share of the dimensions of its representation that describe the cell in its frame, so that the decoder need not
    draw rotation-symmetric pictures; the others do not depend on the angle."""
    detail_map_px: int = Field(8, ge=0, le=64)
    """Largest side of the map from which that part is calculated, rotated into the cell's frame and averaged over
    squares; 0: from means on the rings instead, which show little of a shape without symmetry."""

    @property
    def invariant_size(self) -> int:
        """Dimensions of framed_hnet's representation that do not depend on the angle; the rest are the detail part."""
        detail = round(self.latent_size * self.detail_share)
        return self.latent_size - min(max(1, detail), self.latent_size - 1)

    @model_validator(mode="after")
    def _halvings_fit(self) -> Self:
        for name, first in (("widths", 0), ("pose_widths", 0), ("harmonic_widths", 1), ("framed_widths", 1)):
            halvings = len(getattr(self, name)) - first
            if self.size_px % 2**halvings:
                raise ValueError(f"size_px must be a multiple of {2**halvings} for these {name}, got {self.size_px}")
        return self

    @model_validator(mode="after")
    def _filters_have_a_centre_and_fields_two_parts(self) -> Self:
        for name in ("harmonic_kernel_px", "harmonic_first_px"):
            if getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} must be odd: {getattr(self, name)} px have no centre")
        for name in ("harmonic_widths", "framed_widths"):
            if any(width < 2 or width % 2 for width in getattr(self, name)):
                raise ValueError(f"{name} must be even, two channels per field, got {getattr(self, name)}")
        return self


class LossSettings(Section):
    """The terms of the loss (paper 2.2, 2.4) and their scales, on which the meaning of the weight w depends."""

    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """Likelihood of the reconstruction. gaussian: squared error over 2 sigma²; bernoulli: cross-entropy of intensities
    in [0, 1] (Kingma & Welling)."""
    sigma: float = Field(0.1, gt=0, le=1000)
    """Standard deviation of the Gaussian likelihood, for intensities in [0, 1]: the unit of error. The smaller it is,
    the more detail the posterior must keep; 0.1 is about the contrast of chromatin."""
    pixels: Literal["sum", "mean"] = "sum"
    """Reconstruction term summed or averaged over pixels and channels; the evidence lower bound has the sum."""
    latents: Literal["sum", "mean"] = "sum"
    """Both KL terms summed or averaged over latent dimensions; the evidence lower bound has the sum."""
    beta: float = Field(1.0, ge=0, le=1e9)
    """Weight of KL(posterior || prior); 1 in the evidence lower bound (Kingma & Welling 2013)."""
    rotation_kl: Literal["sum", "half"] = "sum"
    """Symmetric KL as KL(p||q) + KL(q||p) (Kullback & Leibler 1951) or half of that."""
    second_view: Literal["rotation", "all"] = "rotation"
    """Whether the second rotated view is used in the rotation loss only, or also in the other two terms (their mean).
    The paper compares "the output representations", which needs the encoder only and saves a decoder pass."""
    contrast_weight: float = Field(30.0, ge=0, le=1e9)
    """Weight of the contrastive loss of framed_hnet. Before training that is ln(2 B - 1) nats for B cells per step and
    device, 4 to 5; the reconstruction is a few thousand."""
    contrast_kind: Literal["contrastive", "variance"] = "contrastive"
    """What keeps cells apart in it. contrastive: a cell is found among the others of the batch (Chen et al. 2020);
    variance: the variance of each dimension stays above 1, and dimensions stay uncorrelated (Bardes et al. 2022)."""
    contrast_temperature: float = Field(0.2, gt=0, le=1e6)
    """Temperature of the similarities in it; the smaller, the more the most similar cells count."""
    centre_form: Literal["gaussian", "linear", "flat"] = "gaussian"
    """How the weight of the reconstruction decreases with distance from the centre (paper 2.1 does not specify how)."""
    centre_width: float = Field(0.5, gt=0, le=1e6)
    """Width of that weight in disc radii; with 0.5, 59 % of the weight is inside 0.6 radii, about one cell."""


class AugmentationSettings(Section):
    """Strengths of the random changes of the second view in the contrastive loss; not in the paper.

    Patches without a margin are cut to the inscribed disc first, so a view that is made smaller or shifted shows the
    rim of that disc.
    """

    stain: float = Field(0.2, ge=0, le=5)
    """Standard deviation of the logarithm of the amount of stain; half of it is the standard deviation of the mixing of
    the colours' optical densities. Laboratories differ most in the stain."""
    light: float = Field(0.05, ge=0, le=5)
    """Standard deviation of the logarithm of the brightness of red, green and blue."""
    blur_px: float = Field(1.0, ge=0, le=2)
    """Largest standard deviation of a Gaussian blur, in pixels of the network's input: the focus."""
    scale: float = Field(0.2, ge=0, le=5)
    """Largest logarithm of the change of scale: the size of a cell varies within its type."""
    shift: float = Field(0.06, ge=0, le=1)
    """Largest shift along each axis, in halves of the side: positions that people click are off the centre."""


class TrainingSettings(Section):
    """Optimisation (paper 2.4: Adam, early stopping on a separate validation set) and options of Lightning."""

    batch_size: int = Field(32, ge=2, le=65536)
    """Cells per step on each device. Smaller batches give more steps per epoch, which a few thousand cells need."""
    learning_rate: float = Field(1e-3, gt=0, le=1e6)
    """Learning rate of Adam; its other parameters are torch's defaults."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate over the steps of ``max_epochs``. constant: as in the paper, which has early stopping only; cosine:
    increasing over the first 5 % of the steps, then decreasing to 0 as a cosine, better if all epochs are trained."""
    max_epochs: int = Field(40, ge=1, le=1_000_000)
    """Maximum number of epochs, if training does not stop early."""
    patience: int = Field(8, ge=1, le=1_000_000)
    """Epochs without improvement after which training stops."""
    monitor: Literal["loss", "reconstruction"] = "loss"
    """What early stopping monitors on the validation cells: the whole loss, or its reconstruction term only."""
    gradient_clip: float = Field(0.0, ge=0, le=1e9)
    """Maximum norm of the gradient; 0 for no clipping."""
    accelerator: str = Field("auto", max_length=60)
    """Kind of device: auto, cpu, cuda, ... auto: a GPU if there is one. ``--device`` of a command overrides it."""
    devices: int = Field(1, ge=1, le=1024)
    """Devices per node; the effective batch is larger by this factor."""
    num_nodes: int = Field(1, ge=1, le=4096)
    """Machines, each with that many devices."""
    strategy: str = Field("auto", max_length=60)
    """How Lightning divides the work among devices, such as ddp; auto: its choice."""
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    """Of the numbers. Mixed precision is faster on GPUs that have it; 32-true gives bit-identical results on a CPU, and
    is without TF32 on a GPU."""


class EvaluationSettings(Section):
    """Cells, angles and folds of the evaluation."""

    RENAMED = {"choose_share": "selection_share"}

    cells: int = Field(1000, ge=2, le=1_000_000)
    """Number of test cells that are rotated."""
    angle_step_deg: float = Field(15.0, ge=0.5, le=90)
    """Step of the rotation angles in degrees; 15° gives 24 angles."""
    folds: int = Field(5, ge=2, le=1000)
    """Folds of the classification (paper 2.4)."""
    selection_share: float = Field(0.25, ge=0, lt=1)
    """Share of the labelled cells in the selection part, on which choices are made; the others are the test part."""
    reconstructed_cells: int = Field(3, ge=1, le=1000)
    """Cells shown in the report's Fig. 4 (paper: three)."""


class Settings(Section):
    """All settings; ``preset`` is the name of the preset (``orbicyte.presets``) that they are based on."""

    preset: str = Field("quick", max_length=60)
    """The set of values that these are based on; chosen with ``--preset``."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the random numbers: shuffling, angles, noise, initial weights and splits."""
    folds: int = Field(6, ge=3, le=1000)
    """Folds of the unlabelled cells: one for testing, one for early stopping, others for training (paper 2.4: six)."""
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    def changed(self, assignments: list[str]) -> "Settings":
        """These settings with ``section.name=value`` assignments applied.

        Raises ``OrbicyteError`` for an unknown name, or a value of another type or outside the setting's range.
        """
        content = self.model_dump()
        for assignment in assignments:
            _assign(content, assignment)
        return read_settings(content, "--set")


def read_settings(content: dict[str, Any], source: str) -> Settings:
    """Settings from a nested dictionary. Raises ``OrbicyteError`` with ``source`` and the first error."""
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        got = "" if isinstance(fault["input"], dict | Section) else f", got {reprlib.repr(fault['input'])}"
        raise OrbicyteError(f"{source} {name}: {fault['msg']}{got}") from None


def _assign(content: dict[str, Any], assignment: str) -> None:
    name, equals, value = assignment.partition("=")
    section, _, field = name.strip().rpartition(".")
    target = content.get(section) if section else content
    field = _present_name(section, field)
    if not equals or not isinstance(target, dict) or field not in target or isinstance(target[field], dict):
        known = [f"{s}.{f}" for s, fields in content.items() if isinstance(fields, dict) for f in fields]
        others = [one for one in known if section and one.startswith(f"{section}.")]
        near = get_close_matches(name.strip(), known, n=1, cutoff=0.8) if equals else []
        advice = "'orbicyte settings' lists the names"
        if near or others:
            advice = f"did you mean {near[0]}?" if near else f"the names are {', '.join(others)}"
        raise OrbicyteError(f"--set: expected section.name=value with a known name, got {assignment!r}; {advice}")
    target[field] = _parsed(value.strip(), isinstance(target[field], tuple))


def _present_name(section: str, field: str) -> str:
    kind = Settings.model_fields[section].annotation if section in Settings.model_fields else None
    return kind.RENAMED.get(field, field) if isinstance(kind, type) and issubclass(kind, Section) else field


def _parsed(text: str, is_list: bool) -> object:
    if is_list and not text.startswith("["):
        text = f"[{text}]"
    try:
        return json.loads(text)
    except ValueError:
        return text
