import pandas as pd
import pytest
from tests.reporting.conftest import MakeStudy

from orbicyte.reporting.counts import section
from orbicyte.reporting.figures import report_style
from orbicyte.reporting.inputs import read
from orbicyte.reporting.page import render
from orbicyte.study.counts import NUMBERS, SHARES, write_counts


@pytest.fixture
def counts() -> pd.DataFrame:
    table = pd.DataFrame({"slide": ["D1", "D1", "<D2>", "<D2>"], "type": ["band", "myelocyte"] * 2})
    table = table.assign(**dict.fromkeys(SHARES, 0.0), **dict.fromkeys(NUMBERS, 0))
    table["percent"] = [25.0, 75.0, 60.0, 40.0]
    table["low"], table["high"] = table["percent"] - 5, table["percent"] + 5
    table["labelled"], table["classified"], table["cells"] = [30, 0, 0, 0], 50, 100
    table["out_of_distribution"] = [90, 90, 3, 3]
    return table


def test_slides_have_their_shares_intervals_and_a_mark_if_unlike(counts: pd.DataFrame) -> None:
    with report_style():
        found = section(counts)
    assert found is not None
    (table,) = found.more_tables
    assert table.header == ["slide", "cells", "of these labelled", "band", "myelocyte"]
    assert table.rows == [
        ["D1", "100", "30", "25.0 (20.0 to 30.0)", "75.0 (70.0 to 80.0)"],
        ["<D2>", "100", "0", "60.0 (55.0 to 65.0)", "40.0 (35.0 to 45.0)"],
    ]
    (figure,) = found.figures
    assert figure.title == "Differential count of 2 slides"
    assert "Slides marked *" in figure.caption
    assert figure.pdf.startswith(b"%PDF")
    assert figure.png.startswith(b"\x89PNG")


def test_without_a_count_there_is_no_section() -> None:
    assert section(None) is None
    assert section(pd.DataFrame()) is None


def test_the_page_has_the_count_of_the_study(counts: pd.DataFrame, make_study: MakeStudy) -> None:
    study = make_study()
    assert 'id="counts"' not in render(read(study)).html
    write_counts(study, counts)
    html = render(read(study)).html
    assert 'id="counts"' in html
    assert "&lt;D2&gt;" in html
