import threading

import pytest
import torch

from orbicyte.harmonic import memory
from orbicyte.harmonic.memory import blocks, scratch


@pytest.mark.parametrize("count", [1, 3, 64])
def test_blocks_are_the_whole_batch_in_order(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(memory, "BLOCK", 200)
    x = torch.arange(count * 50).view(count, 2, 5, 5)
    found = blocks(x)
    assert torch.equal(torch.cat([x[rows] for rows in found]), x)
    assert all(x[rows].numel() <= max(50, 200 * torch.get_num_threads()) for rows in found)
    assert blocks(x[:0]) == []


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_scratch_has_the_layout_of_the_block_and_parts_that_do_not_overlap(layout: torch.memory_format) -> None:
    x = torch.empty(3, 4, 5, 6).contiguous(memory_format=layout)
    parts = scratch(x, [4, 2, 4])
    for number, part in enumerate(parts):
        assert part.is_contiguous(memory_format=layout)
        part.fill_(number)
    assert [tuple(part.shape) for part in parts] == [(3, 4, 5, 6), (3, 2, 5, 6), (3, 4, 5, 6)]
    assert all(bool((part == number).all()) for number, part in enumerate(parts))
    assert scratch(x.bfloat16(), [1])[0].dtype == torch.float32
    assert scratch(x.double(), [1])[0].dtype == torch.float64
    assert scratch(x[:, :, 0, 0], [2])[0].shape == (3, 2)


def test_memory_is_kept_for_the_thread_and_not_shared_with_others() -> None:
    x, other = torch.empty(2, 2, 4, 4), []
    with torch.inference_mode():
        first = scratch(x, [2])[0].data_ptr()
    assert scratch(x, [2])[0].data_ptr() == first
    scratch(x, [2])[0].fill_(1)  # also after its use in inference mode
    thread = threading.Thread(target=lambda: other.append(scratch(x, [2])[0].data_ptr()))
    thread.start()
    thread.join()
    assert other != [first]
