from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.text import (
    clean,
    comparable,
    decode,
    examples_of,
    file_name,
    given,
    natural,
    number_of,
    warn_of_similar,
)

PATH = Path("t.csv")


@pytest.mark.parametrize(
    "word",
    [
        "NA",
        "na",
        "N/A",
        "nan",
        "NaN",
        "None",
        "NULL",
        "<NA>",
        "#N/A",
        "",
        "  ",
        "-",
        "\\N",
        "N.A.",
        "n.a",
        "#NV",
        "ＮＡ",
        "\u3000",
        "\u3000n/a\u3000",
    ],
)
def test_words_for_missing_values(word: str) -> None:
    assert given(word) is None
    assert given(f" {word}\t") is None


def test_other_words_are_kept_in_one_form() -> None:
    assert given("Nana") == "Nana"
    assert given(" band \u00a0 neutrophil\u200b") == "band neutrophil"
    assert clean("a\u0308") == "ä"
    assert file_name("a\u0308  b.png ") == "ä  b.png"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Blast", "blast ", True),
        ("band_cell", "Band-cell", True),
        ("1", "1.0", True),
        ("01", "1,00", True),
        ("ﬁbre", "fibre", True),
        ("1", "10", False),
        ("100000000000000001", "100000000000000002", False),
        ("1.5", "1", False),
        ("blast", "blasts", False),
    ],
)
def test_comparable_texts(one: str, other: str, is_same: bool) -> None:
    assert (comparable(one) == comparable(other)) == is_same


def test_similar_names_give_one_warning_for_each_group(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_similar(["a", "A", "b", "1", "1.0", "a"], "cell types")
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {group} are different cell types, although they differ only in case or form: if not, correct them"
        for group in ("'1', '1.0'", "'A', 'a'")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_recognised_without_a_word(encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert decode("file,große Zelle µm²\n".encode(encoding), PATH) == "file,große Zelle µm²\n"
    assert capsys.readouterr().err == ""


def test_cp1252_is_printed_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert decode("x;große Zelle µm²\n".encode("cp1252"), PATH) == "x;große Zelle µm²\n"
    assert "t.csv is not in UTF-8: read as cp1252, for example 'x;große' (another: --encoding NAME)" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe", "mac_roman"),
        ("бласт", "cp1251"),
        ("淋巴细胞", "gb18030"),
        ("リンパ球", "shift_jis"),
        ("αβγδ", "cp1253"),
        ("naïve", "cp437"),
        ("białaczka", "cp1250"),
    ],
)
def test_another_encoding_is_asked_for_and_can_be_stated(text: str, encoding: str) -> None:
    raw = f"file,label\na,{text}\n".encode(encoding)
    with pytest.raises(
        OrbicyteError, match=r"t\.csv is not in UTF-8, and probably not in cp1252.*--encoding"
    ) as caught:
        decode(raw, PATH)
    assert len(str(caught.value).splitlines()) == 1
    assert text in decode(raw, PATH, encoding)


def test_utf_8_with_one_wrong_byte_is_not_read_as_cp1252() -> None:
    with pytest.raises(OrbicyteError, match="probably not in cp1252"):
        decode("Größe, weiß".encode() + b"\xff", PATH)


def test_a_wrong_or_unknown_encoding_is_one_line() -> None:
    with pytest.raises(OrbicyteError, match="'latin-17' is unknown"):
        decode(b"a", PATH, "latin-17")
    with pytest.raises(OrbicyteError, match="is not in ascii"):
        decode("ä".encode(), PATH, "ascii")
    with pytest.raises(OrbicyteError, match="is not text"):
        decode(b"PK\x03\x04\x14\x00\x06", PATH)


def test_one_thing_has_no_s() -> None:
    assert [number_of(count, "cell") for count in (0, 1, 2, 1013)] == ["0 cells", "1 cell", "2 cells", "1,013 cells"]


def test_many_names_are_shortened() -> None:
    assert [examples_of("abcd"[:count]) for count in (0, 2, 3, 4)] == ["", "a, b", "a, b, c", "a, b, c, ..."]
    assert examples_of(["a", "b"], "; ", most=1) == "a; ..."


def test_numbers_in_names_are_sorted_as_numbers() -> None:
    names = ["D10", "D2", "d1", "D02", "2 b", "10", "", "D²", "é3"]
    assert sorted(names, key=natural) == ["", "2 b", "10", "d1", "D02", "D2", "D10", "D²", "é3"]
