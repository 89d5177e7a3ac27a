import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from orbicyte.data.labels import label_of, read_labels
from orbicyte.errors import OrbicyteError
from orbicyte.text import given as given_text


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


CONTROLS = "".join(map(chr, range(127, 160)))
CHARACTERS = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters=CONTROLS)
NAME = st.text(CHARACTERS, min_size=1).map(str.strip)
FILE_NAME = NAME.filter(lambda text: given_text(text) is not None)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.tuples(FILE_NAME, NAME), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_round_trip(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str, encoding: str, newline: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator=newline).writerows([("file", "label"), *rows])
    try:
        raw = buffer.getvalue().encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    (tmp_path / "labels.csv").write_bytes(raw)
    table = read_labels(tmp_path / "labels.csv", encoding="cp1252" if encoding == "cp1252" else None)
    assert list(table.itertuples(index=False, name=None)) == [(file, label_of(label)) for file, label in rows]


@pytest.mark.parametrize("word", ["NA", "nan", "None", "NULL", "n/a", "#N/A", "<NA>", "NaN ", " - ", "Unknown", ""])
def test_a_word_for_a_missing_value_is_missing_in_every_column(
    tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mpp = "" if word == "Unknown" else word
    table = read_labels(
        _write(tmp_path / "t.csv", f"file,label,slide,patient,mpp\na,x,s,p,0.2\nb,{word},{mpp},{mpp},{mpp}\n")
    )
    assert table["label"].tolist() == ["x", None]
    assert table["slide"].tolist() == ["s", None]
    assert table["patient"].tolist() == ["p", None]
    assert math.isnan(table["mpp"][1])
    assert (f"read as no label: {word.strip()!r} 1" in capsys.readouterr().err) == bool(word.strip())


def test_spaces_and_the_form_of_accents_make_no_other_type(tmp_path: Path) -> None:
    text = "file,label\na,Zelle ä\nb,Zelle a\u0308\nc,Zelle  ä\nd,Zelle\u00a0ä \ne,\u200bZelle ä\n"
    assert set(read_labels(_write(tmp_path / "t.csv", text))["label"]) == {"Zelle ä"}


def test_a_missing_file_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match="line 3: no file name"):
        read_labels(_write(tmp_path / "t.csv", "file,label\na,x\nNA,y\n"))


@pytest.mark.parametrize(
    "header",
    ["file,label", "Filename;Cell Type", "IMAGE_ID\tclass", "path,celltype", " name , Category ", "x;image;type"],
)
def test_common_column_names_are_recognised(tmp_path: Path, header: str) -> None:
    row = header.lower()
    for known, value in (("filename", "a"), ("image_id", "a"), ("image", "a"), ("file", "a"), ("path", "a")):
        row = row.replace(known, value)
    row = row.replace("name", "a")
    for known in ("cell type", "celltype", "class", "category", "label", "type"):
        row = row.replace(known, "b")
    table = read_labels(_write(tmp_path / "t.csv", f"{header}\n{row}\n"))
    assert list(table.iloc[0][["file", "label"]]) == ["a", "b"]


def test_column_names_can_be_given(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "label,befund,datei\nx,blast,a.png\n")
    table = read_labels(path, "Datei", "befund")
    assert list(table.iloc[0]) == ["a.png", "blast"]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("datei,label\na,b\n", {}, "no column of file names: found 'datei', 'label'; give --file-column"),
        ("file,befund\na,b\n", {}, "no column of labels: found 'file', 'befund'; give --label-column"),
        ("file,label\na,b\n", {"label_column": "typ"}, "no column 'typ': found 'file', 'label'"),
        ("", {}, "is empty"),
        ("file,label\na,b,c\n", {}, "line 2: 3 values, but 2"),
        ('file,label\na,"b\n', {}, "line 2: unexpected end"),
        ("file,label\na,b\n,c\n", {}, "line 3: no file name"),
        ("file,label,mpp\na,b,0.25\nc,d,wide\n", {}, "line 3: mpp must be a positive number.*'wide'"),
        ("file,label,mpp\na,b,-1\n", {}, "line 2: mpp"),
        ("file,label,mpp\na,b,inf\n", {}, "line 2: mpp"),
    ],
)
def test_errors_are_one_clear_line(tmp_path: Path, text: str, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(OrbicyteError, match=message) as caught:
        read_labels(_write(tmp_path / "t.csv", text), **arguments)
    assert "\n" not in str(caught.value)
    assert "t.csv" in str(caught.value)


def test_a_spreadsheet_file_is_not_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00")
    with pytest.raises(OrbicyteError, match="is not text"):
        read_labels(tmp_path / "t.csv")


def test_a_missing_table_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match=r"none\.csv: No such file"):
        read_labels(tmp_path / "none.csv")


def test_optional_columns_blank_lines_and_excels_first_line(tmp_path: Path) -> None:
    text = 'sep=;\nfile;label;Slide;patient_id;mpp;note\n\n"a.png";" x ";S1;;0,25;"1;2"\nb.png;;;P;;\nc.png\n'
    table = read_labels(_write(tmp_path / "t.csv", text, "cp1252"))
    assert list(table.columns) == ["file", "label", "slide", "patient", "mpp"]
    assert list(table["label"]) == ["x", None, None]
    assert list(table["slide"]) == ["S1", None, None]
    assert list(table["patient"]) == [None, "P", None]
    assert table["mpp"][0] == 0.25
    assert math.isnan(table["mpp"][1])
