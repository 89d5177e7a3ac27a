import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from orbicyte.data.views import View
from orbicyte.slides.cut import COPY_WITHIN_PX, in_reading_order, leaves_slide, read_patch, stored_px
from orbicyte.slides.reader import open_slide
from orbicyte.study.slides import SlideRecord

MPP = 0.25
SIZE_PX = 512
DOT_PX = (251.3, 236.8)
DOT_RADIUS_PX = 9.0


@pytest.fixture(scope="module")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide of three levels with one dark round dot on white, its rim smooth, so that its centre can be measured."""
    axis = np.arange(SIZE_PX) + 0.5
    distance = np.hypot(axis[None] - DOT_PX[0], axis[:, None] - DOT_PX[1])
    grey = 255 - 200 * np.clip(DOT_RADIUS_PX - distance + 0.5, 0, 1)
    path = tmp_path_factory.mktemp("dotted") / "dot.tif"
    with tifffile.TiffWriter(path) as file:
        for level in range(3):
            part = grey.reshape(SIZE_PX >> level, 1 << level, SIZE_PX >> level, 1 << level).mean((1, 3))
            rgb = np.repeat(part.round().astype(np.uint8)[..., None], 3, axis=2)
            file.write(rgb, tile=(128, 128), photometric="rgb", subfiletype=int(level > 0))
    return path


def centre(patch: NDArray[np.uint8]) -> tuple[float, float]:
    """The centre of the dark dot, in pixels from the patch's upper left corner."""
    dark = 255.0 - patch[..., 0]
    axis = np.arange(len(patch)) + 0.5
    return float((dark.sum(0) * axis).sum() / dark.sum()), float((dark.sum(1) * axis).sum() / dark.sum())


@given(
    mpp=st.one_of(st.sampled_from([0.25, 0.5, 1.0]), st.floats(0.1, 1.3)),
    view_px=st.integers(40, 60),
    off=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
)
def test_the_cell_is_in_the_centre_at_every_scale(
    dotted: Path, mpp: float, view_px: int, off: tuple[float, float]
) -> None:
    side_px = stored_px(view_px)
    with open_slide(dotted, mpp=MPP) as slide:
        assert len(slide.info.level_sizes) == 3
        patch = read_patch(slide, DOT_PX[0] + off[0], DOT_PX[1] + off[1], side_px, mpp)
    assert patch.shape == (side_px, side_px, 3)
    expected = [side_px / 2 - away * MPP / mpp for away in off]
    # Pixels of a level with this scale are copied, not resampled, with the centre at the nearest pixel.
    is_copied = any(abs(mpp / level - 1) * side_px < COPY_WITHIN_PX for level in (0.25, 0.5, 1.0))
    assert np.abs(np.subtract(centre(patch), expected)).max() < (0.55 if is_copied else 0.12)


@given(side_px=st.integers(16, 600))
def test_the_stored_square_contains_the_rotated_view_and_is_no_larger(side_px: int) -> None:
    stored = stored_px(side_px)
    assert stored >= math.sqrt(2) * side_px
    assert stored - 2 < math.sqrt(2) * side_px
    assert (stored - side_px) % 2 == 0
    assert stored_px(256) == 364


def test_rotating_a_stored_patch_invents_no_pixels_in_the_view(dotted: Path) -> None:
    """The central view of a rotated patch does not depend on the fill colour."""
    side_px = stored_px(48)
    with open_slide(dotted, mpp=MPP) as slide:
        patch = torch.from_numpy(read_patch(slide, 250, 240, side_px, 0.25)[None].copy())
    angles = torch.tensor([0.7])
    views = [View(side_px, 48, 48, (fill, fill, fill))(patch, angles)[0] for fill in (0.0, 1.0)]
    margin = (views[0].shape[-1] - 48) // 2
    central = slice(margin + 1, margin + 47)
    torch.testing.assert_close(views[0][:, central, central], views[1][:, central, central])
    assert not torch.equal(views[0], views[1])


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 80)), min_size=1), st.floats(1, 40))
def test_a_patch_that_extends_beyond_the_slide_is_detected(places: list[tuple[float, float]], side_um: float) -> None:
    record = SlideRecord("s", "/s.tif", "v", 100, 80, 0.5, "f")
    cells = pd.DataFrame(places, columns=["x_px", "y_px"])
    half = side_um
    expected = [x < half or y < half or 100 - x < half or 80 - y < half for x, y in places]
    assert leaves_slide(cells, record, side_um).tolist() == expected


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 9e4), st.floats(0, 9e4))))
def test_reading_order_loses_no_cell_and_keeps_slides_together(rows: list[tuple[str, float, float]]) -> None:
    cells = pd.DataFrame(rows, columns=["slide", "x_px", "y_px"]).astype({"x_px": float, "y_px": float})
    order = in_reading_order(cells)
    assert sorted(order.index) == list(range(len(rows)))
    assert order["slide"].is_monotonic_increasing
