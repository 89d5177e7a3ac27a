"""``orbicyte slides check`` as users see it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.cli.slides import _cells
from orbicyte.slides.check import Checked


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(40, 200, (300, 420, 3), np.uint8)
    scales: dict[str, dict[str, Any]] = {
        "a.tif": {"resolution": (2e4, 2e4), "resolutionunit": 3},
        "b.tif": {},
        "c.tif": {},
    }
    for name, scale in scales.items():
        tifffile.imwrite(tmp_path / name, pixels, tile=(64, 64), photometric="rgb", metadata=None, **scale)
    with (tmp_path / "c.tif").open("r+b") as file:
        file.truncate(100_000)
    return tmp_path


def invoke(*words: str | Path) -> tuple[int, list[str], str]:
    """Exit code, lines of the table, what is on stderr."""
    result = CliRunner().invoke(app, ["slides", "check", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr


def test_output_to_a_file_has_aligned_lines_and_an_unreadable_slide_ends_with_2(slides: Path) -> None:
    code, table, printed = invoke(slides)
    assert code == 2
    assert f"slides in {slides}" in printed
    assert table[0] == "slide  vendor        size (px)  levels  µm/px  state"
    assert table[1] == "a.tif  generic-tiff  420 x 300  1       0.5    ok (sampled)"
    assert table[2] == f"b.tif  generic-tiff  420 x 300  1{' ' * 14}no µm per pixel: give --mpp or --mpp-csv"
    assert table[3].startswith(f"c.tif{' ' * 42}truncated at byte 100,000: ")
    assert len(table) == 4


def test_readable_slides_end_with_0(slides: Path) -> None:
    assert invoke(slides / "a.tif", slides / "b.tif")[0] == 0


def test_mpp_is_from_the_csv_file_or_else_from_the_option(slides: Path) -> None:
    (slides / "mpp.csv").write_text("file,mpp\na,0.125\n")
    code, table, _ = invoke(slides / "a.tif", slides / "b.tif", "--mpp", "0.3", "--mpp-csv", slides / "mpp.csv")
    assert code == 0
    assert [line.split()[-3] for line in table[1:]] == ["0.125", "0.3"]


def test_a_completely_decoded_slide_is_ok_without_a_restriction(slides: Path) -> None:
    code, table, _ = invoke(slides / "a.tif", "--all")
    assert (code, table[1].split()[-2:]) == (0, ["0.5", "ok"])


def test_errors_are_one_line(slides: Path) -> None:
    for words, message in (
        ((slides / "none.svs",), "none.svs does not exist"),
        ((slides, "--mpp", "0"), "positive"),
        ((slides, "--mpp-csv", slides / "none.csv"), "none.csv does not exist"),
    ):
        code, table, printed = invoke(*words)
        assert (code, table) == (2, [])
        assert message in printed
        assert printed.count("\n") == 1


@pytest.mark.parametrize("columns", ["60", "80", "100", "200"])
def test_a_terminal_shows_a_table_with_all_words(slides: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    _, table, _ = invoke(slides)
    text = "\n".join(table)
    assert "\x1b[" in text
    words = re.sub("\x1b[^m]*m", "", text).split()
    for word in ("a.tif", "generic-tiff", "0.5", "100,000:", "tiles", "--mpp-csv", "state", "ok", "(sampled)"):
        assert word in words
    plain = [re.sub("\x1b[^m]*m", "", line) for line in table]
    assert max(map(len, plain)) <= int(columns)


def test_every_slide_has_a_state_at_80_columns(slides: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    lines = [re.sub("\x1b[^m]*m", "", line).strip() for line in invoke(slides)[1]]
    (a,), (b, reason), (c, *_) = ([line for line in lines if line.startswith(name)] for name in ("a.", "b.", "c."))
    assert [a.split()[-1], b.split()[-1], c.split()[-1]] == ["(sampled)", "below", "unreadable"]
    assert reason == "b.tif: no µm per pixel: give --mpp or --mpp-csv"


def test_slides_without_a_common_folder_have_their_whole_path() -> None:
    rows = [Checked(Path(path), None, "damaged", readable=False) for path in ("/data/a.svs", "/mnt/b.svs")]
    assert _cells(rows[0], None, "ok")[0] == "/data/a.svs"
    assert _cells(rows[1], Path("/mnt"), "ok")[0] == "b.svs"
