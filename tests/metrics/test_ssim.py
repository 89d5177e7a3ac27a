from collections.abc import Callable

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from orbicyte.arrays import Floats, Rows
from orbicyte.geometry import RIM_PX, disc
from orbicyte.metrics import ssim as module
from orbicyte.metrics.evidence import Evidence, Pictures
from orbicyte.metrics.ssim import measure, ssim, window_inside


def noisy_pair(size_px: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (2, size_px, size_px, 3)).astype(np.float32)
    return x, np.clip(x + rng.normal(0, 0.2, x.shape), 0, 1).astype(np.float32)


def test_agrees_with_the_formula_at_every_window() -> None:
    x, y = noisy_pair(16)
    values = []
    for row, column in zip(*np.nonzero(window_inside(16)), strict=True):
        window = np.s_[0, row - 3 : row + 4, column - 3 : column + 4]
        a, b = x[window].reshape(49, 3).astype(float), y[window].reshape(49, 3).astype(float)
        covariance = ((a - a.mean(0)) * (b - b.mean(0))).sum(0) / 48
        luminance = (2 * a.mean(0) * b.mean(0) + 1e-4) / (a.mean(0) ** 2 + b.mean(0) ** 2 + 1e-4)
        structure = (2 * covariance + 9e-4) / (a.var(0, ddof=1) + b.var(0, ddof=1) + 9e-4)
        values.append(luminance * structure)
    assert ssim(x, y)[0] == pytest.approx(np.mean(values), abs=1e-5)


def test_is_the_mean_of_the_full_map_of_scikit_image_where_the_window_is_inside() -> None:
    x, y = noisy_pair(32)
    _, full = structural_similarity(x[1], y[1], data_range=1, channel_axis=-1, full=True)  # type: ignore[no-untyped-call]
    assert ssim(x, y)[1] == pytest.approx(full[window_inside(32)].mean(), abs=1e-6)


@pytest.mark.parametrize("size_px", [11, 24, 33])
def test_every_pixel_of_an_inside_window_is_on_the_disc(size_px: int) -> None:
    inside, on_disc = window_inside(size_px), disc(size_px, RIM_PX).numpy()
    for row in range(size_px):
        for column in range(size_px):
            window = on_disc[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
            assert inside[row, column] == (window.all() and window.size == 49)


def test_pixels_outside_the_disc_do_not_count() -> None:
    x, y = noisy_pair(24)
    outside = ~disc(24).numpy()
    changed = y.copy()
    changed[:, outside] = 0.3
    np.testing.assert_array_equal(ssim(x, changed), ssim(x, y))


def test_is_one_for_equal_pictures_and_an_error_for_tiny_ones() -> None:
    x, _ = noisy_pair(16)
    np.testing.assert_allclose(ssim(x, x), 1)
    with pytest.raises(ValueError, match="no window"):
        ssim(x[:, :8, :8], x[:, :8, :8])


def test_rotated_angles_use_few_cells(make_evidence: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = noisy_pair(16)
    monkeypatch.setattr(module, "ROTATED_CELLS", 1)
    asked: list[int] = []

    def pictures(angle: int, cells: Rows | None = None) -> Pictures:
        chosen = np.arange(2) if cells is None else cells
        asked.append(len(chosen))
        return Pictures(x[chosen], (x if angle else y)[chosen])

    evidence = make_evidence(pictures=pictures, mean=np.zeros((8, 2, 1), np.float32))
    scores = {(s.measure, s.angle_deg): s.value for s in measure(evidence)}
    assert scores["ssim", None] == pytest.approx(ssim(x, y).mean())
    assert any(scores["ssim", 0.0] == pytest.approx(value) for value in ssim(x, y))
    assert scores["ssim/multiples_of_90", None] == pytest.approx(1)
    assert asked == [2] + [1] * 8
