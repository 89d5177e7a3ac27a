from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import regionprops
from tests.detection.conftest import MPP, write_slide

from orbicyte.detection.detector import Detector
from orbicyte.detection.matching import Tally, match, outline_boxes
from orbicyte.detection.tiles import CORE_PX
from orbicyte.detection.weight_files import SHIPPED, read_detector
from orbicyte.errors import OrbicyteError
from orbicyte.slides.reader import open_slide
from orbicyte.study.cells import SCHEMA, cell_id

Smear = tuple[NDArray[np.uint8], NDArray[np.int32]]


def with_cores_of(core_px: int) -> Detector:
    network, config, fingerprint = read_detector(SHIPPED)
    return Detector(network, config, fingerprint, Detector.load(device="cpu").finder.device, core_px)


def test_touching_cells_are_found_separately(detector: Detector, smear: Smear) -> None:
    image, cells = smear
    found = detector.detect_image(image, MPP)
    regions = [r.bbox for r in regionprops(cells) if r.area * MPP**2 > 12]  # type: ignore[no-untyped-call]
    truth = np.array([(left, top, right, bottom) for top, left, bottom, right in regions])
    assert (Tally() + match(outline_boxes(found["outline_px"]), truth, found["score"].to_numpy())).f1 > 0.95


def test_the_table_has_the_stored_columns(detector: Detector, smear: Smear) -> None:
    found = detector.detect_image(smear[0], MPP)
    assert list(found.columns) == SCHEMA.names
    assert found["id"].is_unique
    assert found["score"].between(0, 1).all()
    assert (found["y_px"].diff().dropna() >= 0).all()
    np.testing.assert_allclose(found[["x_um", "y_um"]], found[["x_px", "y_px"]] * MPP)
    for outline, x_px, y_px in found[["outline_px", "x_px", "y_px"]].itertuples(index=False):
        left, top, right, bottom = outline_boxes([outline])[0]
        assert left < x_px < right
        assert top < y_px < bottom


@pytest.mark.parametrize("core_px", [64, 144])
def test_the_cells_found_do_not_depend_on_the_tiles(core_px: int, detector: Detector, smear: Smear) -> None:
    whole = detector.detect_image(smear[0], MPP)
    tiled = with_cores_of(core_px).detect_image(smear[0], MPP)
    pixel = detector.mpp / MPP
    places, others = (table[["x_px", "y_px"]].to_numpy() for table in (whole, tiled))
    nearest = np.hypot(*(places[:, None] - others[None]).transpose(2, 0, 1))
    assert len(whole) == len(tiled)
    assert (nearest.min(axis=1) <= pixel).all()
    assert (nearest.min(axis=0) <= pixel).all()


def test_a_slide_and_its_image_give_the_same_cells(detector: Detector, smear: Smear, slide: Path) -> None:
    with open_slide(slide) as reader:
        on_slide = detector.detect(reader, reader.info.fingerprint)
    whole = detector.detect_image(smear[0], MPP)
    assert len(on_slide) == len(whole)
    np.testing.assert_allclose(on_slide[["x_px", "y_px"]], whole[["x_px", "y_px"]], atol=detector.mpp / MPP)
    first = on_slide.iloc[0]
    assert first["id"] == cell_id(reader.info.fingerprint, first["x_px"], first["y_px"])


def test_progress_adds_up_to_a_hundred_hundredths(smear: Smear, slide: Path) -> None:
    detector = with_cores_of(128)
    done: list[int] = []
    with open_slide(slide) as reader:
        detector.detect(reader, "f", done.append)
        assert sum(done) == 100
        assert len(done) == len(detector.tiles(reader)) > 1


def test_a_cell_has_the_same_size_in_micrometres_at_any_scale(detector: Detector, smear: Smear) -> None:
    image, _ = smear
    fine = np.array(Image.fromarray(image).resize((2000, 2000), Image.Resampling.BICUBIC))
    coarse, finer = detector.detect_image(image, MPP), detector.detect_image(fine, 0.1)
    assert len(coarse) == len(finer)
    np.testing.assert_allclose(finer[["x_um", "y_um"]], coarse[["x_um", "y_um"]], atol=0.5)
    np.testing.assert_allclose(finer["diameter_um"], coarse["diameter_um"], rtol=0.05)


def test_an_empty_slide_has_no_cells_and_none_of_it_is_read(detector: Detector, tmp_path: Path) -> None:
    side_px = round(1.5 * CORE_PX * detector.mpp / MPP)
    path = write_slide(tmp_path / "white.tif", np.full((side_px, side_px, 3), 250, np.uint8))
    with open_slide(path) as reader:
        assert detector.tiles(reader) == []
        found = detector.detect(reader, "f")
    assert len(found) == 0
    assert list(found.columns) == SCHEMA.names


def test_a_white_image_has_no_cells(detector: Detector) -> None:
    assert len(detector.detect_image(np.full((60, 50, 3), 250, np.uint8), MPP)) == 0


def test_an_image_of_one_pixel_is_no_error(detector: Detector) -> None:
    assert len(detector.detect_image(np.zeros((1, 1, 3), np.uint8), MPP)) == 0


@pytest.mark.parametrize(("shape", "mpp"), [((9, 9), 0.5), ((9, 9, 4), 0.5), ((9, 9, 3), 0.0), ((0, 9, 3), 0.5)])
def test_an_array_that_is_not_an_image_is_an_error(shape: tuple[int, ...], mpp: float, detector: Detector) -> None:
    with pytest.raises(OrbicyteError, match="expected an RGB image"):
        detector.detect_image(np.zeros(shape, np.uint8), mpp)


def test_a_slide_of_unknown_scale_is_an_error(detector: Detector, tmp_path: Path) -> None:
    path = tmp_path / "field.png"
    Image.new("RGB", (64, 64)).save(path)
    with open_slide(path) as reader, pytest.raises(OrbicyteError, match="µm per pixel"):
        detector.detect(reader, "f")
