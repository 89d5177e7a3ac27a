"""``--help`` at the widths of terminals."""

from collections.abc import Callable
from typing import Any

import pytest
import typer
from tests.test_package import commands

from orbicyte import cli
from orbicyte.cli.layout import _in_words

GROUP: Any = typer.main.get_command(cli.app)
Printed = Callable[[str, int], str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """The help of a command on a terminal of some columns; the test runner of Typer has always 80."""

    def text(words: str, columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        GROUP.main([*words.split(), "--help"], prog_name="orbicyte", standalone_mode=False)
        return capsys.readouterr().out

    return text


def words_of(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("columns", [80, 120])
def test_summaries_are_whole_and_lines_are_within_the_terminal(columns: int, printed: Printed) -> None:
    for words in ["", *GROUP.commands, *commands(GROUP)]:
        assert max(map(len, printed(words, columns).splitlines())) <= columns, words
    for group in [GROUP, *(found for found in GROUP.commands.values() if hasattr(found, "commands"))]:
        text = words_of(printed("" if group is GROUP else group.name, columns))
        for name, command in group.commands.items():
            first = words_of(command.help).split(". ")[0].rstrip(".")
            assert f"{name} {first}" in text


def test_a_wide_terminal_is_used(printed: Printed) -> None:
    assert 100 < max(map(len, printed("run", 120).splitlines())) <= 120
    assert max(map(len, printed("run", 300).splitlines())) <= 120


def test_many_options_stand_under_headings(printed: Printed) -> None:
    lines = printed("run", 100).splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Arguments:", "Options:", "Images and labels:", "Networks:", "Folds and seed:", "Training:"]
    of_labels = lines[lines.index("Images and labels:") : lines.index("Networks:")]
    assert any("--labels" in line for line in of_labels)
    assert "Images and labels:" not in printed("slides check", 100)


def test_classify_shows_the_options_of_its_default_form(printed: Printed) -> None:
    text = printed("classify", 100)
    for option in ("--run", "--restandardise", "--stain-copies", "--out", "--mpp", "--value-range", "--device"):
        assert f"{option} " in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Side.  [default: 64; x>=16]", "Side.  [default: 64; x>=16]"),
        ("Side.  [default: (the whole patch); x>=16]", "Side. Without it: the whole patch.  [x>=16]"),
        ("Folder.  [default: (STUDY/geojson)]", "Folder. Without it: STUDY/geojson."),
        ("Token.  [env var: T; default: (a random one)]", "Token. Without it: a random one.  [env var: T]"),
        ("Nothing.", "Nothing."),
    ],
)
def test_a_default_in_words_is_a_sentence(text: str, expected: str) -> None:
    assert _in_words(text) == expected
