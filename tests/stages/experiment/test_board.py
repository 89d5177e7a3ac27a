import pytest

from orbicyte.stages.experiment.board import Board
from orbicyte.stages.experiment.expected import Expected, duration
from orbicyte.stages.experiment.pieces import Piece


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("orbicyte.stages.experiment.board.time.monotonic", lambda: now[0])
    return now


def test_the_time_left_follows_the_pace(
    clock: list[float], pieces: list[Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    needed = {"baseline": Expected(3000, 600, 1, 1), "only_stn": Expected(7000, 200, 1, 1)}
    board = Board(pieces, 4, needed, workers=2)
    assert board.state() == f"4 of {4 + len(pieces)} done, about 4.5 h left at most"  # 3 x (3600 + 7200) s / 2
    clock[0] = 900
    board.ended(pieces[0], "done")
    # Half as fast as expected per worker: 1800 s of two workers for 3600 s of work.
    assert board.state() == f"5 of {4 + len(pieces)} done, about 2.0 h left"
    board.ended(pieces[1], "failed: full", failed=True)
    assert "1 failed" in board.state()
    assert capsys.readouterr().err.splitlines()[1].startswith(f"{pieces[1].name}: failed: full; 5 of")


def test_running_pieces_are_printed_from_time_to_time(
    clock: list[float], pieces: list[Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(pieces, 0, {}, workers=2)
    board.hear({"piece": "b", "line": "epoch 1"})
    clock[0] = 61
    board.hear({"piece": "a", "line": "a: continues"})
    clock[0] = 62
    board.hear({"piece": "a", "line": "epoch 2"})
    assert capsys.readouterr().err.splitlines() == [
        f"0 of {len(pieces)} done; running: a: continues; b: epoch 1",
    ]


def test_a_warning_of_several_pieces_is_printed_once(pieces: list[Piece], capsys: pytest.CaptureFixture[str]) -> None:
    board = Board(pieces, 0, {}, workers=2)
    for name in ("a", "b"):
        board.hear({"piece": name, "line": f"warning: {name}: few cells"})
    board.hear({"piece": "b", "line": "warning: slow disk"})
    assert capsys.readouterr().err.splitlines() == ["warning: a: few cells", "warning: b: slow disk"]


def test_durations_are_rounded() -> None:
    assert [duration(s) for s in (5, 100, 5000, 5400, 40000)] == [
        "about 1 min", "about 2 min", "about 83 min", "about 1.5 h", "about 11.1 h",
    ]  # fmt: skip
