"""export onnx: the encoder of a run, with its pose, as one ONNX file for other runtimes."""

import json
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from orbicyte import geometry
from orbicyte.embedding import Embedder, load
from orbicyte.errors import OrbicyteError
from orbicyte.models.vae import VAE
from orbicyte.progress import print_line
from orbicyte.study.files import check_writable, replacing
from orbicyte.study.runs import PRETRAINED

if TYPE_CHECKING:
    from onnxscript import ir

OPSET = 18
"""The version that torch's exporter writes without conversion; it has all operators that the networks need."""
TOLERANCE = 1e-4
"""Largest difference between the file's outputs and torch's: absolute, and relative for values above 1."""
CHECKED_BATCHES = (1, 5)

INPUT = """\
RGB patches, float32 (batch, 3, input_px, input_px): red first, row 0 on top, values from 0 to 1, one cell in the \
centre. From an 8-bit patch of side_px by side_px pixels, of mpp µm each if that is known: scale it to input_px (the \
means of pixels if input_px divides side_px, else bilinear with antialiasing), divide by 255. Pixels outside the \
inscribed disc do not change the outputs; if patches are scaled bilinearly, set them to fill_rgb first."""
OUTPUTS = {
    "mean": "Posterior mean (batch, latent_size): the representation.",
    "log_variance": "Logarithm of the posterior's variance (batch, latent_size).",
    "angle_rad": "The angle by which the cell is rotated (batch,), in radians, counter-clockwise.",
    "confidence": "How clear that angle is (batch,), from 0 to 1.",
}


def export_onnx(run: Path | str, out: Path | str | None = None) -> Path:
    """Write the encoder of the run folder ``run``, with its pose, as ONNX; return the file.

    ``out``: ``encoder.onnx`` in the run folder by default. Input ``patches`` (B, 3, input_px, input_px), as ``View``
    makes them; outputs ``mean`` and ``log_variance`` (B, latent_size) and, for networks that find an angle,
    ``angle_rad`` and, where they give it, ``confidence`` (B,); B is free. The file's metadata describe the network and
    its input. The file is kept only if onnxruntime gives the network's own outputs with it. Raises ``OrbicyteError`` if
    it does not, for a run that is not finished, without the packages of ``orbicyte[onnx]``, and for the pretrained
    network without ``out``.
    """
    try:
        import onnxruntime  # noqa: F401 - raises now, not after the export
        from onnxscript import ir
    except ImportError as error:
        raise OrbicyteError(f"exporting to ONNX needs more packages ({error}): pip install 'orbicyte[onnx]'") from error
    if run == PRETRAINED and out is None:
        raise OrbicyteError("the pretrained network is a part of the package: name the file to write with out")
    embedder = load(run, device="cpu")
    encoder = _Encoder(embedder.network)
    path = Path(out) if out is not None else embedder.folder.encoder
    check_writable(path, ".onnx")
    model = _exported(encoder, embedder.view.input_px)
    _describe(model, embedder)
    with replacing(path) as temporary:
        ir.save(model, temporary)
        difference = _difference(temporary, encoder, embedder.view.input_px)
        if not difference <= TOLERANCE:
            raise OrbicyteError(
                f"{path} was not written: in onnxruntime the embeddings of the exported network differ by "
                f"{difference:.2g} (allowed: {TOLERANCE:g}); try other versions of torch, onnxscript and onnxruntime"
            )
    print_line(f"{embedder.folder.name}: exported; onnxruntime's embeddings differ from torch's by {difference:.1g}")
    return path


class _Encoder(nn.Module):
    """``VAE.encode`` with those tensors of ``OUTPUTS`` that the network has."""

    def __init__(self, network: VAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:
        code = self.network.encode(patches)
        pose = (value for value in (code.angle_rad, code.confidence) if value is not None)
        return (code.posterior.mean, code.posterior.log_variance, *pose)


def _exported(encoder: _Encoder, input_px: int) -> "ir.Model":
    """The model as torch exports it; values that do not depend on the patches become constants.

    Raises ``OrbicyteError`` for a network that torch cannot export.
    """
    from onnxscript import optimizer

    with _without_warnings(), torch.no_grad():
        try:
            program = torch.onnx.export(
                encoder.eval(),
                (_patches(2, input_px),),
                input_names=["patches"],
                dynamic_shapes={"patches": {0: torch.export.Dim("batch")}},
                custom_translation_table={torch.ops.aten.hypot.default: _hypot},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            cause = str(error.__cause__ or error).strip().partition("\n")[0]
            raise OrbicyteError(f"torch cannot export this network to ONNX: {cause}") from error
        assert program is not None
        # Harmonic filters are calculated from few parameters; a runtime need not do that, and some cannot.
        optimizer.fold_constants(program.model, output_size_limit=2**31, should_fold=lambda node: True)
        optimizer.remove_unused_nodes(program.model)
    return program.model


def _hypot(x: Any, y: Any) -> Any:
    """``torch.hypot``, which torch's exporter does not support."""
    from onnxscript import opset18 as op

    return op.Sqrt(op.Add(op.Mul(x, x), op.Mul(y, y)))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress irrelevant messages of the exporter: about packages not needed here, and a deprecation in torch."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _describe(model: "ir.Model", embedder: Embedder) -> None:
    """Name the outputs; add a description of the network and its input, and remove references to source code."""
    record, view, graph = embedder.record, embedder.view, model.graph
    values = [value for node in graph for value in node.outputs]
    for value in values:
        if value.name in OUTPUTS:  # torch names values after operations, and 'mean' is one
            value.name = f"{value.name}_within"
    for part in (model, graph, *graph, *graph.inputs, *graph.initializers.values(), *values):
        part.metadata_props.clear()  # lines of source code among them
    graph.inputs[0].doc_string = INPUT
    for value, name in zip(graph.outputs, OUTPUTS, strict=False):
        value.name, value.doc_string = name, OUTPUTS[name]
    about = asdict(record.key) | {
        "mpp": record.mpp,
        "version": record.versions["orbicyte"],
        "data_fingerprint": record.data.fingerprint,
        "latent_size": embedder.network.latent_size,
        "input_px": view.input_px,
        "side_px": view.side_px,
        "view_px": view.view_px,
        "fill_rgb": list(view.fill_rgb),
        "input": INPUT,
    }
    model.metadata_props.update({key: _text(value) for key, value in about.items() if value is not None})
    model.producer_name = "orbicyte"
    model.doc_string = f"Encoder of the network {record.network}: patches -> representations."


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _difference(path: Path, encoder: _Encoder, input_px: int) -> float:
    """The largest difference between onnxruntime's and torch's outputs over patches, outputs and batch sizes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in CHECKED_BATCHES:
        patches = _patches(count, input_px)
        with torch.no_grad():
            expected = encoder(patches)
        for name, theirs, ours in zip(OUTPUTS, session.run(None, {"patches": patches.numpy()}), expected, strict=False):
            gap = torch.from_numpy(theirs) - ours
            if name == "angle_rad":
                gap = torch.remainder(gap + math.pi, 2 * math.pi) - math.pi
            share = float((gap.abs() / ours.abs().clamp(min=1)).max())
            worst = share if math.isnan(share) else max(worst, share)
    return worst


def _patches(count: int, size_px: int) -> Tensor:
    """Different smooth random patches: (count, 3, size_px, size_px)."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(count))
    return geometry.resize(coarse, size_px)
