"""Every setting of a study, with its type, its range and the reason for its default.

Where the paper is silent, the choice is one field here with the reason beside it. ``orbicyte.presets`` gives the
two sets of values that are shipped; ``--set section.name=value`` changes one field, checked against its type.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orbicyte.errors import OrbicyteError


class Section(BaseModel):
    """A group of settings: immutable, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Former names of settings, which files may still have, and their present ones."""

    @model_validator(mode="before")
    @classmethod
    def _in_present_names(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {cls.RENAMED.get(name, name): value for name, value in content.items()}


class NetworkSettings(Section):
    """Sizes of the networks, and what the paper leaves open about them."""

    RENAMED = {"turned_views": "rotated_views"}

    size_px: int = Field(64, ge=16, multiple_of=16)
    """Side of what the network sees (paper 2.1: 256)."""
    widths: tuple[int, ...] = Field((16, 32, 64, 128), min_length=1)
    """Channels of the encoder's stages, each half the resolution of the one before; the decoder mirrors them."""
    blocks: int = Field(1, ge=1)
    """Residual blocks a stage (He et al. 2016, as the paper's own networks in 2.3)."""
    latent_size: int = Field(64, ge=1)
    """Dimensions of the representation (silent in the paper): a few for each of ten types and what varies in them."""
    pose_widths: tuple[int, ...] = Field((8, 16, 32), min_length=1)
    """Channels of the spatial transformer's localisation network: its depth (silent in the paper; Jaderberg et al.
    use two to four convolutions). Each stage halves the resolution."""
    pose_start_deg: float = 0.0
    """Angle that the transformer finds in every patch before training. 0°, as Jaderberg et al. start at the identity:
    training then begins as a plain VAE's."""
    pose_output: Literal["cos_sin", "angle"] = "cos_sin"
    """cos_sin: the direction of a 2-vector, which has no jump at 360°; angle: one unbounded number, as a generic
    transformer would regress it."""
    rotated_views: bool = False
    """Whether the baseline is trained on turned views. The paper's is "a normal VAE without additional efforts"."""
    judge_reconstruction: Literal["after", "before"] = "after"
    """after: the reconstruction is turned back and compared with the input, as in the paper's SSIM and Fig. 4;
    before: the upright reconstruction is compared with the upright input, so the turn back costs no sharpness."""

    harmonic_widths: tuple[int, ...] = Field((16, 24, 48, 96), min_length=2)
    """Real channels, two a field, of a harmonic encoder's first convolution and of each stage after it (paper 2.3:
    deeper than H-Net's seven convolutions). Each halves the resolution. Fewer than the plain encoder's, as filters are
    larger: a step then takes less than twice the time."""
    harmonic_kernel_px: int = Field(5, ge=3)
    """Side of the harmonic filters, odd. 7 turns better than 5, above all in equ_hnet, at twice the cost; the first
    filters of equ_hnet have 7 at least, as all it ever sees passes through them."""
    harmonic_branch: Literal["opposite", "zero"] = "opposite"
    """Which rotation orders the two convolutions of a residual block have; their sum must be 0 (paper 2.3). opposite:
    (+m, -m) with the network's order m, "harmonic layers of rotation order two"; zero: (0, 0), whose filters are
    plain rings that see no direction. For inv_hnet they are the same."""
    harmonic_read_out: Literal["magnitude", "real"] = "magnitude"
    """How fields become the posterior. magnitude: the mean over the map of each field's magnitude, which no turn
    changes (as H-Net ends, Worrall et al. 2017); real: the real part of the field's mean, which keeps the phase, so a
    field of order 2 still tells how the cell lies, and only transformer and rotation loss make it invariant."""

    @model_validator(mode="after")
    def _halvings_fit(self) -> Self:
        for name, first in (("widths", 0), ("pose_widths", 0), ("harmonic_widths", 1)):
            halvings = len(getattr(self, name)) - first
            if self.size_px % 2**halvings:
                raise ValueError(f"the {name} halve the size {halvings} times: {self.size_px} px cannot be")
        return self

    @model_validator(mode="after")
    def _filters_have_a_centre_and_fields_two_parts(self) -> Self:
        if self.harmonic_kernel_px % 2 == 0:
            raise ValueError(f"harmonic_kernel_px must be odd: {self.harmonic_kernel_px} px have no centre")
        if any(width < 2 or width % 2 for width in self.harmonic_widths):
            raise ValueError(f"harmonic_widths must be even, two channels a field, got {self.harmonic_widths}")
        return self


class LossSettings(Section):
    """The terms of the loss (paper 2.2, 2.4) and the scale of each, without which the weight w means nothing."""

    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """gaussian: squared error over 2 sigma²; bernoulli: cross-entropy of intensities in [0, 1] (Kingma & Welling)."""
    sigma: float = Field(0.1, gt=0)
    """Standard deviation of the Gaussian likelihood, in intensities of [0, 1]: what counts as one unit of error.
    The smaller, the more detail the posterior must keep; 0.1 is about the contrast of chromatin."""
    pixels: Literal["sum", "mean"] = "sum"
    """Reconstruction summed or averaged over pixels and channels; the sum is the evidence lower bound's."""
    latents: Literal["sum", "mean"] = "sum"
    """Both KL terms summed or averaged over latent dimensions; the sum is the bound's."""
    beta: float = Field(1.0, ge=0)
    """Weight of KL(posterior || prior); 1 is the bound's (Kingma & Welling 2013)."""
    rotation_kl: Literal["sum", "half"] = "sum"
    """Symmetric KL as KL(p||q) + KL(q||p) (Kullback & Leibler 1951) or half of that."""
    second_view: Literal["rotation", "all"] = "rotation"
    """Whether the second turned view enters only the rotation loss or the other two terms as well (their mean):
    the paper compares "the output representations", which takes the encoder only and saves a decoder pass."""
    centre_form: Literal["gaussian", "linear", "flat"] = "gaussian"
    """How the reconstruction's weight falls with distance from the centre (paper 2.1: it falls; not how)."""
    centre_width: float = Field(0.5, gt=0)
    """Its width in disc radii: 59 % of the weight lies inside 0.6 radii, about one cell."""


class TrainingSettings(Section):
    """Optimisation (paper 2.4: Adam, early stopping on a separate validation set) and Lightning's switches."""

    batch_size: int = Field(32, ge=2)
    """Cells a step on each device. Smaller batches take more steps an epoch, which a few thousand cells need."""
    learning_rate: float = Field(1e-3, gt=0)
    """Of Adam; its other constants are torch's."""
    max_epochs: int = Field(40, ge=1)
    """The budget, should early stopping not come before."""
    patience: int = Field(8, ge=1)
    """Epochs without improvement before training stops."""
    monitor: Literal["loss", "reconstruction"] = "loss"
    """What early stopping watches on the validation cells: the whole loss, or its reconstruction term alone."""
    gradient_clip: float = Field(0.0, ge=0)
    """Largest gradient norm; 0 clips nothing."""
    accelerator: str = "auto"
    devices: int = Field(1, ge=1)
    """Devices a node; more than one makes batches larger by that factor."""
    num_nodes: int = Field(1, ge=1)
    strategy: str = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"


class EvaluationSettings(Section):
    """What the measures run on."""

    RENAMED = {"choose_share": "selection_share"}

    cells: int = Field(1000, ge=2)
    """Test cells that are turned."""
    angle_step_deg: float = Field(15.0, gt=0, le=90)
    """Step of the angles; 15° gives 24."""
    folds: int = Field(5, ge=2)
    """Folds of the classification (paper 2.4)."""
    selection_share: float = Field(0.25, ge=0, lt=1)
    """Share of the labelled cells on which choices are made; the others are reported on."""
    reconstructed_cells: int = Field(3, ge=1)
    """Rows of the report's Fig. 4 (paper: three)."""


class Settings(Section):
    """All settings; ``preset`` is the name of the function in ``orbicyte.presets`` they started from."""

    preset: str = "quick"
    seed: int = Field(0, ge=0)
    folds: int = Field(6, ge=3)
    """Folds of the unlabelled cells: one tests, one stops training early, the others train (paper 2.4: six)."""
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    def changed(self, assignments: list[str]) -> "Settings":
        """These settings with ``section.name=value`` assignments applied.

        Raises ``OrbicyteError`` for an unknown name, or a value that is not of the setting's type and range.
        """
        content = self.model_dump()
        for assignment in assignments:
            _assign(content, assignment)
        return read_settings(content, "--set")


def read_settings(content: dict[str, Any], source: str) -> Settings:
    """Settings from a nested dictionary. Raises ``OrbicyteError`` naming ``source`` and the first fault."""
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        got = "" if isinstance(fault["input"], dict | Section) else f", got {fault['input']!r}"
        raise OrbicyteError(f"{source} {name}: {fault['msg']}{got}") from None


def _assign(content: dict[str, Any], assignment: str) -> None:
    name, equals, value = assignment.partition("=")
    section, _, field = name.strip().rpartition(".")
    target = content.get(section) if section else content
    field = _present_name(section, field)
    if not equals or not isinstance(target, dict) or field not in target or isinstance(target[field], dict):
        known = [f"{s}.{f}" for s, fields in content.items() if isinstance(fields, dict) for f in fields]
        raise OrbicyteError(
            f"--set takes section.name=value, got {assignment!r}; the names are {', '.join(['seed', 'folds', *known])}"
        )
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
