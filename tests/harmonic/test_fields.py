import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.harmonic import Fields

TERMS = st.dictionaries(st.integers(-5, 5), st.integers(1, 9), min_size=1, max_size=4)


@given(TERMS)
def test_printed_fields_can_be_parsed(numbers: dict[int, int]) -> None:
    fields = Fields.of(numbers)
    assert Fields(str(fields)) == fields
    assert fields.count == sum(numbers.values())
    assert fields.channels == 2 * len(fields.orders)


def test_orders_are_in_the_order_written() -> None:
    fields = Fields("2x0+1x-1 + 3x2")
    assert str(fields) == "2x0 + 1x-1 + 3x2"
    assert repr(fields) == 'Fields("2x0 + 1x-1 + 3x2")'
    assert fields.orders == (0, 0, -1, 2, 2, 2)
    assert str(fields.shifted(-2)) == "2x-2 + 1x-3 + 3x0"


@pytest.mark.parametrize("text", ["", "16", "x0", "16x", "0x1", "2x0 - 3x1", "2x0 + 3x0", "1.5x0", "2x0 +"])
def test_invalid_text_is_an_error_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="fields") as error:
        Fields(text)
    assert repr(text) in str(error.value)


@given(TERMS, st.floats(-7, 7), st.floats(-7, 7))
def test_two_rotations_add_up_and_keep_magnitudes(numbers: dict[int, int], first: float, second: float) -> None:
    fields = Fields.of(numbers)
    x = torch.randn(2, fields.channels, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    twice = fields.phased(fields.phased(x, first), second)
    assert torch.allclose(twice, fields.phased(x, first + second), atol=1e-9)
    assert torch.allclose(fields.magnitude(twice), fields.magnitude(x), atol=1e-9)


def test_rotation_changes_the_phase_of_order_m_by_m_times_the_angle() -> None:
    ones = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])  # real parts 1, imaginary parts 0
    rotated = Fields("1x0 + 1x1 + 1x-2").phased(ones, torch.tensor([math.radians(30)]))
    expected = [1, math.cos(math.pi / 6), 0.5, 0, math.sin(math.pi / 6), -math.sin(math.pi / 3)]
    assert rotated[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_real_images_are_fields_of_order_0_only() -> None:
    images = torch.rand(2, 3, 4, 4)
    lifted = Fields("3x0").lifted(images)
    assert torch.equal(lifted[:, :3], images)
    assert not lifted[:, 3:].any()
    with pytest.raises(ValueError, match=r"expected 6 channels for the fields 3x1, got \(2, 3, 4, 4\)"):
        Fields("3x1").lifted(images)
    with pytest.raises(ValueError, match="or 4 real ones"):
        Fields("4x0").lifted(images)
