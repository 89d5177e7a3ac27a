import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.training.randomness import generator

PLACES = st.tuples(st.integers(0, 50), st.sampled_from(["order", "train", "validation"]), st.integers(0, 50))


@given(PLACES, PLACES)
def test_each_purpose_and_step_has_its_own_numbers(one: tuple[int, str, int], other: tuple[int, str, int]) -> None:
    first, second = (torch.rand(8, generator=generator(*place)) for place in (one, other))
    assert torch.equal(first, second) == (one == other)


def test_numbers_do_not_depend_on_global_state_or_process() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = torch.rand(8, generator=generator(0, "train", 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(torch.rand(8, generator=generator(0, "train", 1, 2)), first)
    code = "from orbicyte.training.randomness import generator; print(generator(0, 'train', 1, 2).initial_seed())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == generator(0, "train", 1, 2).initial_seed()


def test_similar_paths_have_different_seeds() -> None:
    paths: list[tuple[int | str, ...]] = [(23,), (2, 3), ("23",), ("2", 3), (), ("order", 2), ("order", "2")]
    seeds = [generator(1, *path).initial_seed() for path in paths]
    assert len({*seeds, generator(12, 3).initial_seed()}) == len(paths) + 1
