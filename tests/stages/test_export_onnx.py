import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner

import orbicyte
from orbicyte import cli, geometry, plugins, variants
from orbicyte.data.views import View
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import build
from orbicyte.settings import NetworkSettings, Settings
from orbicyte.stages import export_onnx as export
from orbicyte.stages.export_onnx import export_onnx
from orbicyte.study.runs import RunFolder, RunRecord, TrainingData, ViewSizes
from orbicyte.training.networks import load_variant, save_weights

NAMES = plugins.names(variants)
TINY = NetworkSettings(
    size_px=16, widths=(4, 8), harmonic_widths=(14, 14), framed_widths=(14, 14), latent_size=6, pose_widths=(4,)
)
FILL = (0.9, 0.8, 0.7)
PLAIN, MARGIN = View(32, 32, 16, FILL), View(52, 32, 16, FILL)


def finished(folder: Path, name: str, network: NetworkSettings = TINY, view: View = PLAIN) -> Path:
    """A run folder with random weights, none at its initial value, in particular not those of the pose."""
    settings, run = Settings(network=network), RunFolder(folder / name)
    variant = load_variant(name, settings, 0.5)
    vae = build(variant, network, FILL, seed=1)
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for part in vae.parameters():
            part.add_(0.1 * torch.randn(part.shape, generator=random))
        for part in vae.pose.parameters():
            part.add_(0.3 * torch.randn(part.shape, generator=random))
    run.write(
        RunRecord(
            network=name,
            rotation_weight=variant.rotation_weight,
            seed=1,
            fold=2,
            state="done",
            settings=settings,
            view=ViewSizes(**vars(view)),
            data=TrainingData("abc", 0, 0, 0),
            versions={"orbicyte": "0.1.0"},
        )
    )
    save_weights(run, vae)
    return run.path


def stored(count: int, view: View = PLAIN, seed: int = 0) -> torch.Tensor:
    """Smooth random patches (count, side_px, side_px, 3), uint8."""
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return (255 * geometry.resize(coarse, view.side_px)).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def ran(file: Path, patches: torch.Tensor) -> dict[str, NDArray[np.float32]]:
    """The outputs of onnxruntime by name."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"patches": patches.numpy()}), strict=True))


def assert_same(run: Path, file: Path, images: torch.Tensor, angle_rad: float = 0.0) -> None:
    """Assert that the file and the run give the same for stored patches rotated by ``angle_rad``."""
    embedder = orbicyte.load(run, device="cpu")
    angle = torch.full((len(images),), angle_rad) if angle_rad else None
    got, expected = ran(file, embedder.view(images, angle)), embedder.embed_stored(images.numpy(), angle_rad)
    np.testing.assert_allclose(got["mean"], expected.mean, rtol=0, atol=1e-4)
    np.testing.assert_allclose(got["log_variance"], expected.log_variance, rtol=0, atol=1e-4)
    assert ("angle_rad" in got) == (expected.angle_rad is not None)
    if expected.angle_rad is not None:
        gap = (got["angle_rad"] - expected.angle_rad + math.pi) % (2 * math.pi) - math.pi
        np.testing.assert_allclose(gap, 0, atol=1e-4)
        assert len(images) == 1 or np.ptp(expected.angle_rad) > 0.01


@pytest.fixture(scope="module", params=NAMES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The run folder of each network, and its exported file."""
    run = finished(tmp_path_factory.mktemp("runs"), request.param)
    return run, export_onnx(run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run folder without an exported file."""
    return finished(tmp_path_factory.mktemp("run"), "baseline")


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("angle_deg", [0.0, 33.0])
def test_the_embedding_is_that_of_the_network(exported: tuple[Path, Path], count: int, angle_deg: float) -> None:
    assert_same(*exported, stored(count), math.radians(angle_deg))


def test_corners_change_no_output(exported: tuple[Path, Path]) -> None:
    inputs = PLAIN(stored(5))
    corners = torch.where(geometry.disc(16, geometry.RIM_PX), inputs, PLAIN(stored(5, seed=9)))
    assert not torch.equal(inputs, corners)
    one, other = ran(exported[1], inputs), ran(exported[1], corners)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_file_contains_its_description(exported: tuple[Path, Path]) -> None:
    run, file = exported
    assert file == run / "encoder.onnx"
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["network"] == run.name
    assert (about["version"], about["data_fingerprint"], about["fold"], about["seed"]) == ("0.1.0", "abc", "2", "1")
    assert (about["input_px"], about["side_px"], about["view_px"], about["latent_size"]) == ("16", "32", "32", "6")
    assert json.loads(about["fill_rgb"]) == list(FILL)
    assert "from 0 to 1" in about["input"]
    assert "mpp" not in about  # it is not known
    weight = RunFolder(run).record().rotation_weight
    assert about.get("rotation_weight") == (None if weight is None else str(weight))
    embedding = orbicyte.load(run, device="cpu").embed_stored(stored(1).numpy())
    optional = {"angle_rad": embedding.angle_rad, "confidence": embedding.confidence}
    outputs = ["mean", "log_variance", *(key for key, value in optional.items() if value is not None)]
    assert [value.name for value in model.graph.output] == outputs
    assert b".py" not in file.read_bytes()


def test_filters_are_constants_of_the_file(exported: tuple[Path, Path]) -> None:
    graph = onnx.load(exported[1]).graph
    constants = {tensor.name for tensor in graph.initializer}
    filters = [node.input[1] for node in graph.node if node.op_type == "Conv"]
    assert filters
    assert set(filters) <= constants <= {name for node in graph.node for name in node.input}
    assert not [node for node in graph.node if all(name in constants for name in node.input)]


def test_the_recipe_in_the_file_gives_the_embeddings_of_raw_patches(exported: tuple[Path, Path]) -> None:
    """Inputs are made as without orbicyte: the corners are not filled."""
    run, file = exported
    images = stored(5).numpy()
    means = images.reshape(5, 16, 2, 16, 2, 3).mean((2, 4), dtype=np.float32)
    inputs = np.ascontiguousarray(means.transpose(0, 3, 1, 2) / 255)
    x = orbicyte.load(run, device="cpu").embed(images)
    np.testing.assert_allclose(ran(file, torch.from_numpy(inputs))["mean"], x, rtol=0, atol=1e-4)


def test_margins_and_unbounded_angles_are_exported(tmp_path: Path) -> None:
    network = TINY.model_copy(update={"pose_output": "angle", "pose_start_deg": 200.0})
    run = finished(tmp_path, "only_stn", network, MARGIN)
    file = export_onnx(run, tmp_path / "new" / "cells.onnx")
    assert file == tmp_path / "new" / "cells.onnx"
    assert_same(run, file, stored(5, MARGIN), math.radians(100))
    assert not (run / "encoder.onnx").exists()


def different(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "TOLERANCE", -1.0)


def damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = orbicyte.load(folder, device="cpu")
    with torch.no_grad():
        next(embedder.network.read_out.parameters()).fill_(math.nan)
    save_weights(RunFolder(folder), embedder.network)


def beyond_torch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("long\nstory") from ValueError("no such operator\nfurther")

    monkeypatch.setattr(torch.onnx, "export", fail)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (different, r"embeddings of the exported network differ by .* \(allowed: -1\)"),
        (damaged, "it is damaged: read_out.weight has numbers that"),
        (beyond_torch, "torch cannot export this network to ONNX: no such operator$"),
    ],
)
def test_a_failed_export_keeps_the_older_file(
    spoil: Callable[[Path, pytest.MonkeyPatch], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished(tmp_path, "baseline")
    (folder / "encoder.onnx").write_bytes(b"older")
    spoil(folder, monkeypatch)
    before = sorted(folder.iterdir())
    with pytest.raises(OrbicyteError, match=message):
        export_onnx(folder)
    assert (folder / "encoder.onnx").read_bytes() == b"older"
    assert sorted(folder.iterdir()) == before


def one_line(*words: str) -> str:
    """The line on stderr of a command with exit code 2."""
    result = CliRunner().invoke(cli.app, ["export", "onnx", *words], env={"COLUMNS": "300"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("orbicyte: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_without_a_finished_run_or_the_extra_it_is_a_one_line_error(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not a run folder" in one_line(str(run.parent))
    record = RunFolder(run).record()
    RunFolder(run).write(replace(record, state="training"))
    assert "has not ended" in one_line(str(run))
    RunFolder(run).write(record)
    for package in ("onnxruntime", "onnxscript"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            assert "pip install 'orbicyte[onnx]'" in one_line(str(run), "--out", str(run / "cells.onnx"))
    assert not list(run.glob("*.onnx"))


def test_the_command_prints_the_path_and_one_line_on_stderr(run: Path, tmp_path: Path) -> None:
    words = ["export", "onnx", str(run), "--out", str(tmp_path / "cells.onnx")]
    result = subprocess.run([sys.executable, "-m", "orbicyte", *words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'cells.onnx'}\n"
    assert result.stderr.startswith("baseline: exported; onnxruntime's embeddings differ from torch's by ")
    assert result.stderr.count("\n") == 1
    assert_same(run, tmp_path / "cells.onnx", stored(3))


@pytest.mark.parametrize("words", [("onnx",), ("onnx", "run", "--colour"), ("tensorrt", "run")])
def test_unknown_options_and_formats_end_with_2(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(cli.app, ["export", *words]).exit_code == 2
