from pathlib import Path

import numpy as np

from orbicyte.classification.stains import restained
from orbicyte.data.patches import PatchStore


def test_each_copy_is_of_its_cell_with_another_stain(imported: Path) -> None:
    store = PatchStore.open(imported / "patches")
    originals = np.array(store.images)
    chunks = np.array_split(originals, 3)
    first, again, other = (np.concatenate(list(restained(chunks, store.fill_rgb, seed))) for seed in (1, 1, 2))
    assert first.shape == originals.shape
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2, 3)).all()
    grey = [images.mean(-1).reshape(len(store), -1) for images in (first, originals)]
    correlation = [np.corrcoef(copy, original)[0, 1] for copy, original in zip(*grey, strict=True)]
    assert min(correlation) > 0.9
