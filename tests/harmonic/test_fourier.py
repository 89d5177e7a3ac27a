import math

import pytest
import torch

from orbicyte.harmonic import Fields, FourierReLU

FIELDS = Fields("3x0 + 3x1 + 3x-1 + 3x2 + 3x-2")


def white() -> torch.Tensor:
    return torch.randn(2, FIELDS.channels, 4, 4, generator=torch.Generator().manual_seed(0))


def layer(samples: int = 8) -> FourierReLU:
    made = FourierReLU(FIELDS, samples)
    with torch.no_grad():
        made.shift.normal_(0, 0.5, generator=torch.Generator().manual_seed(1))
    return made


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
def test_it_is_exact_at_multiples_of_the_sampling_angle(turns: int) -> None:
    angle, x = 2 * math.pi * turns / 8, white()
    assert torch.allclose(layer()(FIELDS.phased(x, angle)), FIELDS.phased(layer()(x), angle), atol=1e-5)


def test_more_samples_reduce_the_error_between_them() -> None:
    x, errors = white(), []
    for samples in (8, 16, 32):
        relu = layer(samples)
        moved = relu(FIELDS.phased(x, 0.3)) - FIELDS.phased(relu(x), 0.3)
        errors.append(float(moved.detach().norm() / relu(x).detach().norm()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[0] < 0.1


def test_a_function_that_is_positive_everywhere_passes() -> None:
    """1 + small terms of the other orders, in the real part."""
    relu, x = FourierReLU(FIELDS), 0.05 * white()
    x[:, :3] += 1
    x[:, FIELDS.count :] = 0  # the imaginary parts: then the imaginary part of h must not be rectified
    symmetric = x.clone()
    symmetric[:, 6:9], symmetric[:, 12:15] = x[:, 3:6], x[:, 9:12]  # f_-m = f_m makes h real
    assert torch.allclose(relu(symmetric), symmetric, atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "samples", "message"),
    [
        ("2x0 + 3x1", 8, "the same number of fields of each order"),
        ("2x0 + 2x2", 4, "a multiple of 4 above 4 samples, got 4"),
        ("2x0 + 2x1", 6, "a multiple of 4 above 2 samples, got 6"),
    ],
)
def test_wrong_fields_and_samples_are_errors(fields: str, samples: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FourierReLU(fields, samples)
