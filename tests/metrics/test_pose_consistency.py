from collections.abc import Callable

import numpy as np
import pytest
import torch

from orbicyte.geometry import rotate
from orbicyte.metrics.evidence import Evidence
from orbicyte.metrics.pose_consistency import circular_sd_deg, measure

ANGLES_DEG = np.linspace(0, 345, 24)


def test_sign_convention_follows_geometry() -> None:
    """The direction of a bright spot, measured in the rotated picture, is a perfect pose."""
    picture = torch.zeros(1, 1, 33, 33)
    picture[0, 0, 16, 26] = 1
    rotated = rotate(picture.expand(24, 1, 33, 33), torch.tensor(np.deg2rad(ANGLES_DEG), dtype=torch.float32))
    axis = torch.arange(33) - 16.0
    x, y = (rotated[:, 0] * axis).sum((1, 2)), (rotated[:, 0] * -axis[:, None]).sum((1, 2))
    pose_rad = torch.atan2(y, x)[:, None].numpy()
    assert circular_sd_deg(pose_rad, ANGLES_DEG)[0] < 2
    assert circular_sd_deg(-pose_rad, ANGLES_DEG)[0] == 180


@pytest.mark.parametrize("reference_rad", [0.0, 2.0, -400.0])
def test_any_reference_orientation_is_accepted(reference_rad: float) -> None:
    pose_rad = np.deg2rad(ANGLES_DEG)[:, None] + reference_rad
    assert circular_sd_deg(pose_rad.astype(np.float32), ANGLES_DEG)[0] == pytest.approx(0, abs=0.01)


def test_small_errors_give_their_standard_deviation() -> None:
    error_rad = np.random.default_rng(0).normal(0, np.deg2rad(7), (24, 4000))
    pose_rad = np.deg2rad(ANGLES_DEG)[:, None] + error_rad
    deviation = circular_sd_deg(pose_rad.astype(np.float32), ANGLES_DEG)
    assert np.sqrt(np.mean(deviation**2)) == pytest.approx(7 * np.sqrt(23 / 24), rel=0.01)


def test_a_constant_pose_is_limited_to_180_degrees(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(pose_rad=np.full((8, 12), 0.3, np.float32))
    scores = {s.measure: s.value for s in measure(evidence)}
    assert scores["pose_consistency/circular_sd_deg"] == pytest.approx(180)
    assert scores["pose_consistency/below_10_deg"] == 0


def test_multiples_of_90_are_separate(make_evidence: Callable[..., Evidence]) -> None:
    """A pose that follows rotations by multiples of 90° only, as one that depends on the pixel grid would."""
    angles_deg = np.arange(8) * 45
    pose_rad = np.deg2rad(angles_deg - 45 * (angles_deg % 90 > 0))[:, None].repeat(12, 1)
    scores = {s.measure: s.value for s in measure(make_evidence(pose_rad=pose_rad.astype(np.float32)))}
    assert scores["pose_consistency/circular_sd_deg/multiples_of_90"] == pytest.approx(0, abs=0.02)
    assert scores["pose_consistency/circular_sd_deg"] > scores["pose_consistency/circular_sd_deg/other_angles"] > 15


def test_mean_median_and_share(make_evidence: Callable[..., Evidence]) -> None:
    angles_rad = np.deg2rad(np.arange(8) * 45.0)[:, None]
    evidence = make_evidence(pose_rad=(angles_rad * ([1] * 9 + [0] * 3)).astype(np.float32))
    scores = {s.measure: s.value for s in measure(evidence)}
    assert scores["pose_consistency/circular_sd_deg"] == pytest.approx(45, abs=1e-2)
    assert scores["pose_consistency/circular_sd_deg/median"] == pytest.approx(0, abs=1e-2)
    assert scores["pose_consistency/below_10_deg"] == pytest.approx(0.75)
