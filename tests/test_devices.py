import pytest
import torch

from orbicyte.devices import device_of, exact_float32
from orbicyte.errors import OrbicyteError


def test_a_device_that_cannot_be_used_is_an_error_of_one_line() -> None:
    assert device_of("cpu") == torch.device("cpu")
    assert device_of(None).type in ("cpu", "cuda")
    for name in ("magic", "cuda:99"):
        with pytest.raises(OrbicyteError, match=f"cannot use the device '{name}'.*give 'cpu'"):
            device_of(name)


def test_float32_is_exact_within_the_block_only() -> None:
    before = torch.backends.cudnn.allow_tf32

    @exact_float32()
    def failing() -> None:
        assert not torch.backends.cudnn.allow_tf32
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        failing()
    assert torch.backends.cudnn.allow_tf32 == before
