import pytest
import torch

from orbicyte.harmonic import Fields, HarmonicBatchNorm2d

FIELDS = Fields("2x0 + 1x1")


def test_every_field_has_a_mean_squared_magnitude_of_1_and_keeps_its_phase() -> None:
    x = torch.randn(8, 6, 6, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7).view(1, -1, 1, 1)
    out = HarmonicBatchNorm2d(FIELDS)(x)
    square = FIELDS.magnitude(out).square().mean((0, 2, 3))
    assert square.tolist() == pytest.approx([1, 1, 1], rel=1e-3)
    before, after = (torch.atan2(part[:, 3:], part[:, :3]) for part in (x, out.detach()))
    assert torch.allclose(before, after, atol=1e-5)


def test_evaluation_mode_uses_the_running_mean_square() -> None:
    norm = HarmonicBatchNorm2d(FIELDS, momentum=0.5)
    x = 3 * torch.ones(2, 6, 4, 4)  # magnitudes of 3 root 2
    norm(x)
    assert norm.mean_square.tolist() == pytest.approx([(1 + 18) / 2] * 3)
    assert torch.allclose(norm.eval()(x), x / (9.5**0.5), rtol=1e-4)


def test_gradient_matches_the_formula() -> None:
    norm = HarmonicBatchNorm2d(FIELDS).double()
    x = torch.randn(3, 6, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weight = torch.randn(3, 6, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    norm.scale.data = torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64)
    (norm(x) * weight).sum().backward()
    got = x.grad, norm.scale.grad
    x.grad = norm.scale.grad = None
    square = (x.square().mean((0, 2, 3)).view(2, 3).sum(0) + norm.eps).rsqrt() * norm.scale
    (x * square.repeat(2).view(1, -1, 1, 1) * weight).sum().backward()  # type: ignore[no-untyped-call]
    for one, other in zip(got, (x.grad, norm.scale.grad), strict=True):
        assert one is not None
        assert other is not None
        assert torch.allclose(one, other, atol=1e-7)
