import pytest
from rich.console import Console

from orbicyte import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("orbicyte.progress.time.monotonic", lambda: now[0])
    return now


def test_lines_are_printed_every_tenth_and_at_the_end(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress.track(range(100), "patches"):
        clock[0] += 0.5
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"patches: {done} of 100" for done in range(10, 101, 10)]


def test_slow_items_are_printed_every_ten_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress.track(iter(range(30)), "steps", total=1000):
        clock[0] += 1
    lines = ["steps: 10 of 1000, 16 min left", "steps: 20 of 1000, 16 min left", "steps: 30 of 1000, 16 min left"]
    assert capsys.readouterr().err.splitlines() == [*lines, "steps: 30 of 1000"]


@pytest.mark.parametrize(("seconds", "text"), [(59, ""), (61, ", 1 min left"), (7500, ", 2 h 05 min left")])
def test_time_left_is_in_minutes(
    clock: list[float], capsys: pytest.CaptureFixture[str], seconds: int, text: str
) -> None:
    items = progress.track(range(2), "networks")
    next(items)
    clock[0] += seconds
    next(items)
    assert capsys.readouterr().err.splitlines() == [f"networks: 1 of 2{text}"]


def test_fast_items_make_one_line_even_of_unknown_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(iter("abc"), "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == "letters: 3\n"


def test_nothing_is_shown_for_no_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(range(0), "copies")) == []
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_bar_yields_the_same_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_console", Console(stderr=True, force_terminal=True, width=100))
    assert list(progress.track(range(5), "patches")) == list(range(5))


def test_messages_are_single_lines_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    progress.print_line("x" * 300 + " [red]")
    progress.warn("careful")
    assert capsys.readouterr().err.splitlines() == ["x" * 300 + " [red]", "warning: careful"]


def test_lines_of_a_worker_are_received_and_not_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_console", Console(stderr=True, force_terminal=True, width=100))
    received: list[str] = []
    with progress.lines_to(received.append):
        progress.print_line("one")
        progress.warn("two")
        assert list(progress.track(range(2), "patches")) == [0, 1]
        assert not progress.is_terminal()
    assert received == ["one", "warning: two", "patches: 2 of 2"]
    assert capsys.readouterr().err == ""
    assert progress.is_terminal()
