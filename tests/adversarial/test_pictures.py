"""Hostile images and slides: one clear line each, in little memory and time; never other pixels without a word."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.adversarial import hostile_pictures
from tests.adversarial.damage import pipe, restore
from tests.adversarial.limited import outcomes
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.slides.fingerprint import fingerprint


def test_hostile_pictures_are_refused_in_little_memory_and_time(tmp_path: Path) -> None:
    hostile_pictures.make(tmp_path)
    found = outcomes(hostile_pictures.__file__, tmp_path)
    assert found.keys() == {path.name for path in tmp_path.iterdir() if not path.is_dir()}
    for name, (image, slide) in found.items():
        is_refused = image.startswith("refused: ") or slide.startswith("refused: ")
        assert is_refused != (name in hostile_pictures.ACCEPTED), (name, image, slide)
        assert max(len(image), len(slide)) < 500
        assert "Error" not in slide, (name, slide)


def command(*arguments: object) -> str:
    """What a command prints that ends with exit code 2."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_pipes_and_devices_end_the_commands_that_read_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "P"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((32, 32, 3), number, np.uint8)).save(folder / f"{number}.png")
    whole = (folder / "0.png").read_bytes()
    pipe(folder / "0.png", None)  # type: ignore[arg-type]
    (folder / "1.png").unlink()
    (folder / "1.png").symlink_to("/dev/zero")
    assert "0.png: not a regular file" in command("import", folder, "--out", tmp_path / "s")
    restore(folder / "0.png", whole)
    assert "not a regular file" in command("slides", "check", folder)


def test_the_files_of_a_slide_are_regular_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a.mrxs").write_bytes(b"x")
    (tmp_path / "a" / "Data0000.dat").symlink_to("/dev/zero")
    with pytest.raises(OSError, match=r"Data0000.dat, which is opened with it, is a pipe or a device"):
        fingerprint(tmp_path / "a.mrxs")
