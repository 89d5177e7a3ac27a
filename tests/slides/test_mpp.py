from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.slides.mpp import read_mpp_csv, table_mpp


def write(folder: Path, text: str) -> Path:
    path = folder / "mpp.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text", ["file,mpp\na.svs,0.25\nb,0.5\n", "Slide;MPP\na.svs;0,25\nb;0,5\n", "mpp\tfile\n0.25\ta.svs\n0.5\tb\n"]
)
def test_tables_are_read_in_the_forms_that_programs_write(tmp_path: Path, text: str) -> None:
    assert read_mpp_csv(write(tmp_path, text)) == {"a.svs": 0.25, "b": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,mpp\na.svs,0.25\nb.svs,wide\n", "line 3: mpp must be a positive number of µm per pixel, got 'wide'"),
        ("file,mpp\na.svs,0\n", "line 2: mpp must be a positive number"),
        ("file,mpp\na.svs,\n", "line 2: expected a file and its µm per pixel"),
        ("file,mpp\n,0.5\n", "line 2: expected a file and its µm per pixel"),
        ("file,mpp\na.svs,0.5\na.svs,0.25\n", "line 3: a.svs has 0.5 above, 0.25 here"),
        ("name,scale\na.svs,0.5\n", "needs the columns file and mpp: found 'name', 'scale'"),
        ("", "is empty"),
    ],
)
def test_errors_contain_the_line_number(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OrbicyteError) as caught:
        read_mpp_csv(write(tmp_path, text))
    assert message in str(caught.value)
    assert "mpp.csv" in str(caught.value)


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match=r"cannot read .*none\.csv: No such file"):
        read_mpp_csv(tmp_path / "none.csv")


def test_names_are_compared_in_one_form(tmp_path: Path) -> None:
    table = read_mpp_csv(write(tmp_path, "file,mpp\nMu\u0308ller.svs,0.25\nz\u00e9.svs,0.5\n"))
    assert table_mpp(table, Path("Müller.svs")) == 0.25
    assert table_mpp(table, Path("ze\u0301.svs")) == 0.5


def test_words_for_missing_values_are_missing(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match=r"line 2: expected a file and its µm per pixel, got 'a\.svs', 'NA'"):
        read_mpp_csv(write(tmp_path, "file,mpp\na.svs,NA\n"))


def test_a_slide_is_found_by_path_then_name_then_stem() -> None:
    slide = Path("ward/a.svs")
    table = {"ward/a.svs": 0.1, "a.svs": 0.2, "a": 0.3}
    assert table_mpp(table, slide) == 0.1
    assert table_mpp(table, Path("other/a.svs")) == 0.2
    assert table_mpp(table, Path("a.ndpi")) == 0.3
    assert table_mpp(table, Path("b.svs")) is None
    assert table_mpp({str(slide.absolute()): 0.4}, slide) == 0.4
    assert table_mpp({"ward/a.svs": 0.1, "a.svs": 0.2}, Path("/data/ward/a.svs")) == 0.1


def test_a_link_is_found_by_its_own_name_then_by_its_targets(tmp_path: Path) -> None:
    (tmp_path / "key-7.svs").touch()
    link = tmp_path / "case.svs"
    link.symlink_to("key-7.svs")
    assert table_mpp({"case.svs": 0.1, "key-7.svs": 0.2}, link) == 0.1
    assert table_mpp({"key-7.svs": 0.2}, link) == 0.2
