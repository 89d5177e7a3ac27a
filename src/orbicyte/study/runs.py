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

Former formats of ``run.json``: see ``orbicyte.study.former_runs``.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.study.files import check_format, validated, write_json
from orbicyte.study.former_runs import settings_of, with_current_names
from orbicyte.study.reading import check_digest
from orbicyte.study.values import Count, Finite, Intensity, Mpp, NotNegative, PatchSide, Text

FORMAT = 2
TRAINING = 1
"""Format of the stage ``train``: increased when the same settings and data give other weights."""
RUNS = "runs"
"""The folder of all runs in that of the study."""
RUN_FILE, EVALUATION_FILE = "run.json", "evaluation.json"
PRETRAINED = "pretrained"
"""The name of the shipped network for ``RunFolder.of``; write ./pretrained for a folder of that name."""
LARGEST_INPUT_PX = 4096
"""Side of the network's input with its margin, above which a record is not believed."""
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

    side_px: PatchSide
    view_px: PatchSide
    size_px: PatchSide
    fill_rgb: tuple[Intensity, Intensity, Intensity]


@dataclass(frozen=True)
class TrainingData:
    """Which patches a run was trained on: fingerprint of the patch store, and the number of cells of each set.

    ``labels_ignored``: True if it was trained on labelled cells, without their labels, because there were no others;
    ``learned_from``: the fingerprint without the types of labelled cells, on which training does not depend; None where
    not recorded.
    """

    fingerprint: Text
    train: Count
    validation: Count
    test: Count
    labels_ignored: bool = False
    learned_from: Text | None = None


@dataclass(frozen=True)
class TrainingEnd:
    """How training ended.

    ``stopped``: ``early`` (early stopping) or ``budget`` (maximum number of epochs); ``seconds``: of all epochs, also
    those before an interruption; ``cpu_seconds``: of all threads of this process, None where not recorded.
    """

    epochs: Count
    best_epoch: Count
    stopped: Literal["early", "budget"]
    seconds: NotNegative
    device: Text
    cpu_seconds: NotNegative | None = None


@dataclass(frozen=True)
class RunRecord:
    """The content of ``run.json``.

    ``stage_format``: ``TRAINING`` of the release that trained it; ``mpp``: µm per pixel of the patches, None where not
    known; ``parameters``: number of the network's weights;
    ``loss_shares``: share of each term in the validation loss at the best epoch, None where the loss was not finite;
    ``digests``: of the weights and the log when training ended, by name of the file; older releases wrote none.
    """

    network: Text
    rotation_weight: NotNegative | None
    seed: Count
    fold: Annotated[int, Field(ge=1)]
    state: Literal["training", "done"]
    settings: Settings
    view: ViewSizes
    data: TrainingData
    stage_format: Count = 1
    mpp: Mpp | None = None
    parameters: Count = 0
    versions: dict[Text, Text] = field(default_factory=dict)
    threads: Count | None = None
    training: TrainingEnd | None = None
    warnings: list[str] = field(default_factory=list)
    loss_shares: dict[Text, Finite | None] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> RunKey:
        """Network, weight, seed and fold."""
        return RunKey(self.network, self.rotation_weight, self.seed, self.fold)


_RECORD = TypeAdapter(RunRecord)


def mixed_versions(versions: Mapping[str, Mapping[str, str]], done: str) -> list[str]:
    """A sentence for each package of which runs have different versions.

    ``versions``: by name of the run and of the package; runs that recorded none do not count; ``done``: what the
    software did with the runs, trained or evaluated.
    """
    known = {run: packages for run, packages in versions.items() if packages}
    sentences = []
    for package in sorted({package for packages in known.values() for package in packages}):
        by_version: dict[str, list[str]] = defaultdict(list)
        for run, packages in known.items():
            by_version[packages.get(package, "unknown")].append(run)
        if len(by_version) > 1:
            found = "; ".join(f"{version} in {len(by_version[version])}" for version in sorted(by_version))
            rare = min(by_version.values(), key=len)
            few = f" ({', '.join(rare)})" if len(rare) <= 3 else ""
            sentences.append(f"runs were {done} with different versions of {package}: {found}{few}")
    return sentences


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
    def predictions(self) -> Path:
        """The predicted type of every labelled cell of the test part."""
        return self.scores / "predictions.parquet"

    @property
    def evaluation(self) -> Path:
        """Which cells were measured, with which settings."""
        return self.scores / EVALUATION_FILE

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
        if not self.path.exists():
            raise OrbicyteError(
                f"{self.path} does not exist: expected a run folder (STUDY/runs/RUN), or {PRETRAINED} for the shipped "
                "network"
            )
        if not path.exists():
            runs = sorted(file.parent for file in self.path.glob(f"{RUNS}/*/{RUN_FILE}"))
            others = sorted(file.parent.name for file in self.path.parent.glob(f"*/{RUN_FILE}"))
            advice = "train one with 'orbicyte run'"
            if runs:
                advice = f"it is a study: give one of its runs, such as {runs[0]}"
            elif others:
                advice = f"the runs there are {', '.join(others)}"
            raise OrbicyteError(f"{self.path} is not a run folder, it has no {RUN_FILE}; {advice}")
        advice = f"delete {self.path} and train again"
        content = check_format(path, FORMAT, advice)
        content = with_current_names(content) | {"settings": settings_of(content, path)}
        record = validated(_RECORD, content, path, advice)
        if mistake := _mistake(record):
            raise OrbicyteError(f"{path} is damaged: {mistake}; {advice}")
        return record

    def check(self, record: RunRecord, file: Path) -> None:
        """Raise ``OrbicyteError`` if ``file``, in this folder, is not the one that the training wrote."""
        check_digest(file, record.digests, RUN_FILE, f"restore it from a copy, or delete {self.path} and train again")

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


def _mistake(record: RunRecord) -> str | None:
    """What is impossible in ``record``, although each value alone is possible."""
    view, settings = record.view, record.settings
    if view.view_px > view.side_px:
        return f"view.view_px is {view.view_px}, more than view.side_px, {view.side_px}"
    if view.size_px * view.side_px > LARGEST_INPUT_PX * view.view_px:
        return f"view.view_px is {view.view_px}, too little for patches of {view.side_px} px"
    if record.fold > settings.folds:
        return f"fold is {record.fold}, but there are {settings.folds}"
    return None
