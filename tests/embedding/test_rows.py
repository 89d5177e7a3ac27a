import numpy as np
import pytest

from orbicyte.embedding import Embedding
from orbicyte.embedding.rows import as_rows, of_rows

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("has_angle", [True, False])
@pytest.mark.parametrize("has_confidence", [True, False])
def test_an_embedding_is_the_same_after_rows(has_angle: bool, has_confidence: bool) -> None:
    mean, log_variance, angle, confidence = (
        RANDOM.normal(size=shape).astype(np.float32) for shape in ((5, 3), (5, 3), 5, 5)
    )
    embedding = Embedding(mean, log_variance, angle if has_angle else None, confidence if has_confidence else None)
    found = of_rows(as_rows(embedding))
    for name, expected in vars(embedding).items():
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name)


def test_rows_of_unreadable_images_are_zero_and_the_others_in_order() -> None:
    embedding = Embedding(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32), None, None)
    rows = as_rows(embedding, np.array([True, False, True]))
    assert rows[:, -1].tolist() == [1, 0, 1]
    np.testing.assert_array_equal(rows[1], 0)
    np.testing.assert_array_equal(of_rows(rows[[0, 2]]).mean, embedding.mean)
