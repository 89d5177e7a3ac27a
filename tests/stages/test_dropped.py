import shutil
from pathlib import Path

import pytest
from tests.stages.conftest import MPP

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.review.accepted import accepted_cells, last_options
from orbicyte.stages.cut import cut
from orbicyte.study import Study
from orbicyte.study.dropped import drop_slides, dropped
from orbicyte.study.slides import slide_names


@pytest.fixture
def spots(spotted: Path, tmp_path: Path) -> Study:
    return Study.open(shutil.copytree(spotted, tmp_path / "study"))


def test_a_dropped_slide_is_not_cut_and_comes_back_with_its_decisions(spots: Study) -> None:
    cut(spots, mpp=MPP, view_px=16)
    before = accepted_cells(spots, last_options(spots))
    drop_slides(spots, ["s1", "s5"])
    assert (dropped(spots), slide_names(spots)) == (["s1", "s5"], ["s0", "s2", "s3", "s4", "s6", "s7"])
    cut(spots)
    assert set(PatchStore.open(spots.patches).cells["slide"]) == set(slide_names(spots))
    drop_slides(spots, ["s1", "s5"], back=True)
    assert accepted_cells(spots, last_options(spots)).equals(before)
    assert before["label"].notna()[before["slide"] == "s1"].sum() == 47
    assert dropped(spots) == []


def test_nothing_is_moved_if_a_name_is_wrong(spots: Study) -> None:
    with pytest.raises(OrbicyteError, match=r"no slide 'magic' in .*: there are s0, s1, "):
        drop_slides(spots, ["s1", "magic"])
    with pytest.raises(OrbicyteError, match=r"no dropped slide 's1' in .*: there are none"):
        drop_slides(spots, ["s1"], back=True)
    with pytest.raises(OrbicyteError, match="cannot be the name of a slide"):
        drop_slides(spots, ["../s1"])
    assert len(slide_names(spots)) == 8


def test_a_slide_that_was_detected_again_is_not_overwritten(spots: Study) -> None:
    drop_slides(spots, ["s1"])
    shutil.copytree(spots.path / "dropped" / "s1", spots.slides / "s1")
    with pytest.raises(OrbicyteError, match="slides/s1 exists"):
        drop_slides(spots, ["s1"], back=True)
    assert dropped(spots) == ["s1"]
