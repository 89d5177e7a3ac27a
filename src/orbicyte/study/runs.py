"""The run folder: the files of one trained network, readable without torch.

::

    runs/only_stn-w0.5-fold1-seed0/
      run.json               network, all settings, versions, seed, data fingerprint, how training ended
      weights.safetensors    of the best epoch so far
      log.csv                one row per epoch
      tensorboard/           the same curves for TensorBoard
      resume/                checkpoints of the last two epochs; removed when training has ended
      embeddings.h5ad        by ``orbicyte embed``
      embedded/              what an interrupted ``orbicyte embed`` has computed; removed at its end
      scores/                by ``orbicyte evaluate``
      classifier/            by ``orbicyte classify``
      encoder.onnx           by ``orbicyte export onnx``

``runs/pretrained`` is a copy of the shipped network and has no log.

In format 1 of ``run.json``, ``view_px`` was ``field_px``, and some settings had other names (``Section.RENAMED``).
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from orbicyte.errors import OrbicyteError
from orbicyte.presets import preset
from orbicyte.settings import Section, Settings, read_settings
from orbicyte.study.files import check_format, damaged, write_json

FORMAT = 2
RUNS = "runs"
"""The folder of all runs in that of the study."""
RUN_FILE = "run.json"
PRETRAINED = "pretrained"
"""The name of the shipped network for ``RunFolder.of``; write ./pretrained for a folder of that name."""
SHIPPED = Path(__file__).parent.parent / PRETRAINED
"""Its run folder in this package."""


@dataclass(frozen=True)
class RunKey:
    """The key of a run, unique in its study; ``rotation_weight`` is None without a rotation loss."""

    network: str
    rotation_weight: float | None
    seed: int
    fold: int

    @property
    def folder_name(self) -> str:
        """``only_stn-w0.5-fold1-seed0``, without a weight for networks that have none."""
        weight = "" if self.rotation_weight is None else f"-w{self.rotation_weight:.12g}"
        return f"{self.network}{weight}-fold{self.fold}-seed{self.seed}"


@dataclass(frozen=True)
class ViewSizes:
    """How stored patches become network inputs (see ``orbicyte.data.views.View``).

    ``side_px``: side of the stored patch; ``view_px``: side of the central square that networks see; ``size_px``: side
    of the network input, to which it is resized; ``fill_rgb``: colour outside the disc, 0 to 1.
    """

    side_px: int
    view_px: int
    size_px: int
    fill_rgb: tuple[float, float, float]


@dataclass(frozen=True)
class TrainingData:
    """Which patches a run was trained on: fingerprint of the patch store, and the number of cells of each set.

    ``labels_ignored``: True if it was trained on labelled cells, without their labels, because there were no others.
    """

    fingerprint: str
    train: int
    validation: int
    test: int
    labels_ignored: bool = False


@dataclass(frozen=True)
class TrainingEnd:
    """How training ended. ``stopped``: ``early`` (early stopping) or ``budget`` (maximum number of epochs)."""

    epochs: int
    best_epoch: int
    stopped: Literal["early", "budget"]
    seconds: float
    device: str


@dataclass(frozen=True)
class RunRecord:
    """The content of ``run.json``.

    ``mpp``: µm per pixel of the patches, None where not known; ``parameters``: number of the network's weights;
    ``loss_shares``: share of each term in the validation loss at the best epoch, None where the loss was not finite.
    """

    network: str
    rotation_weight: float | None
    seed: int
    fold: int
    state: Literal["training", "done"]
    settings: Settings
    view: ViewSizes
    data: TrainingData
    mpp: float | None = None
    parameters: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    threads: int | None = None
    training: TrainingEnd | None = None
    warnings: list[str] = field(default_factory=list)
    loss_shares: dict[str, float | None] = field(default_factory=dict)

    @property
    def key(self) -> RunKey:
        """Network, weight, seed and fold."""
        return RunKey(self.network, self.rotation_weight, self.seed, self.fold)


_RECORD = TypeAdapter(RunRecord)


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run folder, and its record."""

    path: Path

    @classmethod
    def of(cls, run: Path | str) -> Self:
        """The run folder ``run``, or the shipped network for the text ``pretrained``."""
        return cls(SHIPPED if run == PRETRAINED else Path(run))

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def weights(self) -> Path:
        """Weights of the best epoch so far."""
        return self.path / "weights.safetensors"

    @property
    def log(self) -> Path:
        """One row per epoch."""
        return self.path / "log.csv"

    @property
    def resume(self) -> Path:
        """Private checkpoints, from which training continues."""
        return self.path / "resume"

    @property
    def embeddings(self) -> Path:
        """The exported representations."""
        return self.path / "embeddings.h5ad"

    @property
    def embedded(self) -> Path:
        """Representations of an interrupted export, which continues from them."""
        return self.path / "embedded"

    @property
    def scores(self) -> Path:
        """The folder of the scores."""
        return self.path / "scores"

    @property
    def rotated(self) -> Path:
        """Representations of rotated cells of an interrupted evaluation, which continues from them."""
        return self.scores / "rotated"

    @property
    def score_table(self) -> Path:
        """One row per score."""
        return self.scores / "scores.parquet"

    @property
    def evaluation(self) -> Path:
        """Which cells were measured, with which settings."""
        return self.scores / "evaluation.json"

    @property
    def arrays(self) -> Path:
        """The arrays behind the report's figures."""
        return self.scores / "arrays.npz"

    @property
    def classifier(self) -> Path:
        """The folder of the shallow classifier."""
        return self.path / "classifier"

    @property
    def encoder(self) -> Path:
        """The encoder as ONNX."""
        return self.path / "encoder.onnx"

    def record(self) -> RunRecord:
        """The content of ``run.json``; settings introduced after the run have the values of its preset, or those that
        they replaced (``Section.FORMER``).

        Raises ``OrbicyteError`` if it is absent, damaged or of a newer format.
        """
        path = self.path / RUN_FILE
        if not path.exists():
            runs = sorted(file.parent for file in self.path.glob(f"{RUNS}/*/{RUN_FILE}"))
            advice = f"it is a study; give one of its runs, such as {runs[0]}" if runs else "train one: 'orbicyte run'"
            raise OrbicyteError(f"{self.path} is not a run folder (no {RUN_FILE}): {advice}")
        content = check_format(path, FORMAT)
        try:
            return _RECORD.validate_python(_with_current_names(content) | {"settings": _settings(content, path)})
        except ValidationError as error:
            raise damaged(path, error, f"delete {self.path} and train again") from None

    def write(self, record: RunRecord) -> None:
        """Write ``run.json``, completely or not at all."""
        content = {**asdict(record), "settings": record.settings.model_dump(mode="json")}
        write_json(self.path / RUN_FILE, {"format": FORMAT, **content})

    def started(self) -> bool:
        """Whether training has begun here."""
        return (self.path / RUN_FILE).exists()

    def done(self) -> bool:
        """Whether training has ended here."""
        return self.started() and self.record().state == "done"


def _settings(content: dict[str, Any], path: Path) -> Settings:
    given = content.get("settings")
    if not isinstance(given, dict):
        raise OrbicyteError(f"{path} is damaged: it has no settings; delete {path.parent} and train again")
    of_preset = preset(str(given.get("preset", "quick")))
    filled = of_preset.model_dump(mode="json")
    for name in filled:
        section = getattr(of_preset, name)
        if isinstance(section, Section):
            filled[name] |= section.FORMER
    for name, value in given.items():
        default = filled.get(name)
        filled[name] = {**default, **value} if isinstance(value, dict) and isinstance(default, dict) else value
    network = given.get("network")
    if isinstance(network, dict) and "framed_widths" not in network and "harmonic_widths" in network:
        filled["network"]["framed_widths"] = network["harmonic_widths"]  # framed_hnet had no widths of its own
    return read_settings(filled, str(path))


def _with_current_names(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` with the names of the current format."""
    view = content.get("view")
    if not isinstance(view, dict) or "field_px" not in view:
        return content
    return {**content, "view": {"view_px" if name == "field_px" else name: value for name, value in view.items()}}
