from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from orbicyte.harmonic import (
    AveragePool2d,
    HarmonicBatchNorm2d,
    HarmonicConv2d,
    HarmonicResidualBlock,
    HarmonicSequential,
    InvariantMean,
    MagnitudeGate,
    assert_equivariant,
)

FIELDS = "3x0 + 2x1 + 2x-2"


def test_features_are_invariant_and_as_many_as_announced() -> None:
    torch.manual_seed(0)
    read_out = InvariantMean(FIELDS)
    network = HarmonicSequential(HarmonicConv2d("2x0", FIELDS), MagnitudeGate(FIELDS), read_out)
    assert read_out.features == 10
    assert network(torch.rand(4, 2, 16, 16)).shape == (4, 10)
    assert_equivariant(network, "2x0", "10x0", bound=0.05, compiled="aot_eager")


def test_gradients_are_finite_where_fields_are_0() -> None:
    x = torch.zeros(1, 14, 4, 4, requires_grad=True)
    InvariantMean(FIELDS)(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch's exporter
def test_a_whole_classifier_can_be_exported_to_onnx_with_any_number_of_images(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = HarmonicSequential(
        HarmonicConv2d("1x0", FIELDS), HarmonicBatchNorm2d(FIELDS), MagnitudeGate(FIELDS), AveragePool2d(),
        HarmonicResidualBlock(FIELDS, FIELDS), InvariantMean(FIELDS), nn.BatchNorm1d(10), nn.Linear(10, 4),
    ).eval()  # fmt: skip
    file = tmp_path / "network.onnx"
    shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(
        network, (torch.rand(2, 1, 16, 16),), str(file), dynamo=True, dynamic_shapes=shapes, verbose=False
    )
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for count in (1, 5):
        x = torch.rand(count, 1, 16, 16)
        (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        with torch.no_grad():
            assert np.allclose(found, network(x).numpy(), atol=1e-4)
