"""What one trained network leaves on disk: a folder that stands alone.

::

    runs/only_stn-w0.5-fold1-seed0/
      run.json               network, every setting filled in, versions, seed, data fingerprint, how training ended
      weights.safetensors    of the best epoch so far
      log.csv                one row an epoch
      tensorboard/           the same curves for TensorBoard
      resume/                checkpoints of the last two epochs; removed when training has ended
      embeddings.h5ad        by ``orbicyte embed``
      scores/                by ``orbicyte evaluate``
      classifier/            by ``orbicyte classify fit``
      encoder.onnx           by ``orbicyte export onnx``
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from orbicyte import plugins, variants
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE, build
from orbicyte.presets import preset
from orbicyte.scores import Run
from orbicyte.settings import Settings, read_settings
from orbicyte.study import RUN_FORMAT, check_format, replacing, write_json
from orbicyte.variant import Variant


def run_name(run: Run) -> str:
    """The folder's name: ``only_stn-w0.5-fold1-seed0``, without a weight for networks that have none."""
    weight = "" if run.rotation_weight is None else f"-w{run.rotation_weight:.12g}"
    return f"{run.network}{weight}-fold{run.fold}-seed{run.seed}"


def load_variant(network: str, settings: Settings, rotation_weight: float | None) -> Variant:
    """The plug-in ``network`` called with its settings. Raises ``OrbicyteError`` if there is none of that name."""
    make = plugins.load(variants, network, "variant")
    variant: Variant = make(settings.network, rotation_weight if rotation_weight is not None else 0.0)
    return variant


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run folder, and what is in its ``run.json``."""

    path: Path

    @property
    def weights(self) -> Path:
        """Weights of the best epoch so far."""
        return self.path / "weights.safetensors"

    @property
    def log(self) -> Path:
        """One row an epoch."""
        return self.path / "log.csv"

    @property
    def resume(self) -> Path:
        """Private checkpoints, from which training goes on."""
        return self.path / "resume"

    @property
    def embeddings(self) -> Path:
        """The exported representations."""
        return self.path / "embeddings.h5ad"

    @property
    def scores(self) -> Path:
        """Scores and the arrays behind the figures."""
        return self.path / "scores"

    @property
    def classifier(self) -> Path:
        """The shallow classifier."""
        return self.path / "classifier"

    def record(self) -> dict[str, Any]:
        """The content of ``run.json``. Raises ``OrbicyteError`` if it is absent, damaged or of a newer format."""
        if not (self.path / "run.json").exists():
            raise OrbicyteError(f"{self.path} is not a run folder (no run.json): train one with 'orbicyte train'")
        return check_format(self.path / "run.json", RUN_FORMAT)

    def write(self, record: dict[str, Any]) -> None:
        """Write ``run.json``."""
        write_json(self.path / "run.json", {"format": RUN_FORMAT, **record})

    def started(self) -> bool:
        """Whether training has begun here."""
        return (self.path / "run.json").exists()

    def done(self) -> bool:
        """Whether training has ended here."""
        return self.started() and self.record()["state"] == "done"

    def settings(self) -> Settings:
        """Every setting of the run; those that came after it was trained as its preset has them."""
        told = self.record()["settings"]
        filled = preset(told.get("preset", "quick")).model_dump(mode="json")
        for name, value in told.items():
            filled[name] = {**filled.get(name, {}), **value} if isinstance(value, dict) else value
        return read_settings(filled, str(self.path / "run.json"))

    def run(self) -> Run:
        """Which network, weight, seed and fold."""
        record = self.record()
        return Run(record["network"], record["rotation_weight"], record["seed"], record["fold"])

    def view(self) -> View:
        """How stored patches became inputs."""
        return View(**{**self.record()["view"], "fill_rgb": tuple(self.record()["view"]["fill_rgb"])})

    def save_weights(self, network: VAE) -> None:
        """Write the weights, whole or not at all."""
        with replacing(self.weights) as temporary:
            temporary.write_bytes(
                save({name: value.contiguous().cpu() for name, value in network.state_dict().items()})
            )

    def load_network(self) -> VAE:
        """The trained network, in evaluation mode on the CPU.

        Raises ``OrbicyteError`` if training has not ended, or the weights are damaged or of another network.
        """
        if not self.done():
            raise OrbicyteError(f"training of {self.path} has not ended: run 'orbicyte train' again, it goes on")
        settings, run = self.settings(), self.run()
        variant = load_variant(run.network, settings, run.rotation_weight)
        network = build(variant, settings.network, self.view().fill_rgb, seed=0)
        try:
            network.load_state_dict(load_file(self.weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise OrbicyteError(
                f"cannot read the weights {self.weights}: {reason}; delete {self.path} and train it again"
            ) from error
        return network.eval()
