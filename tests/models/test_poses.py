import math

import pytest
import torch

from orbicyte.models.poses import NoPose, SpatialTransformer
from orbicyte.settings import NetworkSettings


@pytest.mark.parametrize("output", ["cos_sin", "angle"])
def test_the_transformer_starts_at_zero_degrees_and_has_a_gradient(output: str) -> None:
    network = NetworkSettings.model_validate({"size_px": 32, "pose_output": output})
    pose = SpatialTransformer(network)
    patches = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    angle = pose(patches)
    assert torch.equal(angle, torch.zeros(3))
    angle.sum().backward()
    gradient = pose.head.weight.grad
    assert gradient is not None
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize("output", ["cos_sin", "angle"])
def test_another_start_angle_is_found_in_every_patch(output: str) -> None:
    network = NetworkSettings.model_validate({"size_px": 32, "pose_output": output, "pose_start_deg": 30})
    assert SpatialTransformer(network)(torch.zeros(2, 3, 32, 32)).tolist() == pytest.approx([math.pi / 6] * 2)


def test_cos_sin_covers_the_circle_without_a_jump() -> None:
    pose = SpatialTransformer(NetworkSettings(size_px=32))
    with torch.no_grad():
        pose.head.bias.copy_(torch.tensor([-1.0, 1e-6]))
        above = pose(torch.zeros(1, 3, 32, 32))
        pose.head.bias.copy_(torch.tensor([-1.0, -1e-6]))
        below = pose(torch.zeros(1, 3, 32, 32))
    assert float(above) == pytest.approx(math.pi, abs=1e-5)
    assert float(below) == pytest.approx(-math.pi, abs=1e-5)


def test_no_pose_has_no_angle() -> None:
    assert NoPose(NetworkSettings())(torch.zeros(1, 3, 64, 64)) is None
