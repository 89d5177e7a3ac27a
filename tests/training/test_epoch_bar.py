"""What a training prints."""

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from orbicyte import progress
from orbicyte.settings import Settings
from orbicyte.stages.train import train
from orbicyte.training import epoch_bar, fit


def test_lines_count_networks_and_epochs_from_one(
    study: Path, tiny: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(0, 10_000, 600))
    monkeypatch.setattr(epoch_bar, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with progress.network(2, 4):
        train(study, "baseline", settings=tiny)
    lines = capfd.readouterr().err.splitlines()
    assert re.fullmatch(r"network 2 of 4, training baseline-fold1-seed0 on \d+ cells", lines[0])
    epochs = [
        re.fullmatch(r"  epoch (\d) of at most 3: loss \S+, validation \S+, at most (.*) in all", one) for one in lines
    ]
    # Of ten minutes each: two epochs of this network, and three of each of the two that follow.
    assert [found.groups() for found in epochs if found] == [
        ("1", "1 h 20 min left"), ("2", "1 h 10 min left"), ("3", "1 h 00 min left"),
    ]  # fmt: skip


def test_a_terminal_has_a_bar_with_the_losses(study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "_console", Console(file=screen, force_terminal=True, width=80))
    monkeypatch.setattr(fit, "is_terminal", lambda: True)
    with progress.network(1, 2):
        train(study, "baseline", settings=tiny)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    bar = r"network 1 of 2, epoch 3 of at most 3 \S+ +\d+/\d+ loss \d\S* *$"
    assert re.search(bar, text, re.MULTILINE)
    assert "epoch 0" not in text
    assert re.search(r"last epoch: loss \S+, validation \S+", text)


def test_one_network_has_no_number() -> None:
    assert progress.position() == ""
    with progress.network(1, 1):
        assert (progress.position(), progress.networks_after()) == ("", 0)
    with progress.network(1, 4):
        assert (progress.position(), progress.networks_after()) == ("network 1 of 4, ", 3)
