from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from orbicyte.data.conversion import UnreadableImage, eight_bit_rgb
from orbicyte.data.images import read_patch, value_extent
from orbicyte.data.values import Extent, Ranges, ValueRange, decide, describe, extent_of, scaled, stated_ranges
from orbicyte.errors import OrbicyteError

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def whites(*most: float, kind: str = "integer") -> float:
    ranges = decide([Extent(f"{i}.tif", kind, 0, one) for i, one in enumerate(most)])  # type: ignore[arg-type]
    chosen = ranges.of(kind)  # type: ignore[arg-type]
    assert chosen is not None
    assert chosen.black == 0
    return chosen.white


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_white_is_the_depth_that_the_brightest_image_needs(bits: int) -> None:
    full = 2**bits - 1
    assert whites(full * 0.3, full * 0.9, full * 0.5) == full


def test_floats_are_up_to_1_or_255_with_a_small_overshoot() -> None:
    assert whites(0.4, 1.0, kind="float") == whites(0.4, 1.12, kind="float") == whites(0.001, kind="float") == 1
    assert whites(200, 255, kind="float") == whites(200, 270, kind="float") == 255


@pytest.mark.parametrize(
    ("kind", "extents"),
    [
        ("float", [(0, 1.6)]),
        ("float", [(0, 40)]),
        ("float", [(0, 4000)]),
        ("float", [(-1, 1)]),
        ("float", [(0, 1), (0, 255)]),
        ("integer", [(0, 70000)]),
        ("integer", [(-5, 4000)]),
        ("integer", [(0, 4000), (0, 60000)]),
        ("integer", [(0, 200), (0, 4000)]),
    ],
)
def test_no_or_two_plausible_readings_are_refused_with_the_option(
    kind: str, extents: list[tuple[float, float]]
) -> None:
    images = [Extent(f"{i}.tif", kind, *one) for i, one in enumerate(extents)]  # type: ignore[arg-type]
    with pytest.raises(OrbicyteError, match="--value-range BLACK,WHITE") as caught:
        decide(images)
    assert len(str(caught.value).splitlines()) == 1
    assert ".tif: values from" in str(caught.value)


def test_integers_and_floats_are_decided_separately() -> None:
    images = [Extent("a", "integer", 0, 4000), Extent("b", "float", -0.02, 1.02), Extent("c", "float", 0, 1)]
    ranges = decide(images)
    assert (ranges.integer, ranges.float) == (ValueRange(0, 4095), ValueRange(0, 1))
    first, second = describe(ranges, images)
    assert first.startswith("1 image of more than 8 bits: 0 is black, 4095 is white (their values are 0 to 4000")
    assert second.endswith("clipped in 1")


def test_eight_bits_and_numbers_that_are_not_finite_decide_nothing() -> None:
    for values in (RGB, RGB > 9, np.full((16, 16), np.nan), np.zeros((0, 3), np.float32)):
        assert extent_of(values, "a") is None


def test_scaling_clips_only_a_small_overshoot_of_floats() -> None:
    unit = ValueRange(0, 1)
    np.testing.assert_allclose(scaled(np.array([-0.1, 0, 0.5, 1.1]), unit, "float"), [0, 0, 0.5, 1])
    for wrong in ([0, 1.3], [-0.5, 1]):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            scaled(np.array(wrong), unit, "float")
    with pytest.raises(ValueError, match="not numbers"):
        scaled(np.array([0, np.nan]), unit, "float")
    with pytest.raises(ValueError, match="values from 0 to 5000, expected 0 to 4095"):
        scaled(np.array([0, 5000]), ValueRange(0, 4095), "integer")


def test_a_stated_range_may_be_inverted_and_then_holds_for_eight_bits() -> None:
    np.testing.assert_array_equal(eight_bit_rgb(RGB, stated_ranges((255, 0))), 255 - RGB)
    np.testing.assert_array_equal(eight_bit_rgb(RGB, stated_ranges((0, 4095))), RGB)
    np.testing.assert_allclose(eight_bit_rgb(RGB / 127.5 - 1, stated_ranges((-1, 1))), RGB, atol=1)
    for wrong in ((1, 1), (0, np.inf)):
        with pytest.raises(OrbicyteError, match="two different numbers"):
            stated_ranges(wrong)


def test_an_image_is_read_with_the_range_of_its_data_set(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "dark.tif", (RGB // 8).astype(np.uint16) * 16, photometric="rgb")
    dark = read_patch(tmp_path / "dark.tif", Ranges(integer=ValueRange(0, 4095)))
    assert np.abs(dark.astype(int) - RGB // 8).max() <= 1
    with pytest.raises(UnreadableImage, match="expected 0 to 255"):
        read_patch(tmp_path / "dark.tif", Ranges(integer=ValueRange(0, 255)))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("shape", ["grey", "rgb"])
def test_twelve_bits_in_sixteen_keep_their_values(tmp_path: Path, name: str, shape: str) -> None:
    eight = RGB if shape == "rgb" else RGB[..., 0]
    values = eight.astype(np.uint16) * 16
    if name == "a.png":
        import imagecodecs

        (tmp_path / name).write_bytes(imagecodecs.png_encode(values))
    else:
        tifffile.imwrite(tmp_path / name, values, photometric="rgb" if shape == "rgb" else "minisblack")
    found = value_extent(tmp_path / name)
    assert found is not None
    assert (found.kind, found.least, found.most) == ("integer", values.min(), values.max())
    expected = eight if shape == "rgb" else np.repeat(eight[..., None], 3, 2)
    assert np.abs(read_patch(tmp_path / name).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_the_polarity_that_a_file_states_is_used_at_every_depth(tmp_path: Path, kind: str) -> None:
    grey = RGB[..., 0]
    stored: dict[str, Any] = {
        "uint8": 255 - grey,
        "uint16": 65535 - grey.astype(np.uint16) * 257,
        "float32": 1 - grey / np.float32(255),
    }
    tifffile.imwrite(tmp_path / "a.tif", stored[kind], photometric="miniswhite")
    assert np.abs(read_patch(tmp_path / "a.tif")[..., 0].astype(int) - grey).max() <= 1


def test_only_headers_of_eight_bit_images_are_read(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    raw = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(raw[: len(raw) // 2])
    assert value_extent(tmp_path / "a.png") is None
    with pytest.raises(UnreadableImage):
        read_patch(tmp_path / "a.png")


def test_a_truncated_png_of_sixteen_bits_is_an_error(tmp_path: Path) -> None:
    import imagecodecs

    raw = imagecodecs.png_encode(RGB.astype(np.uint16) * 257)
    (tmp_path / "a.png").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(UnreadableImage):
        read_patch(tmp_path / "a.png")
