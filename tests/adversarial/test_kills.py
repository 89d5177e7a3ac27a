"""Processes that are killed or ended by a signal: what is done is kept, and the same command works again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orbicyte.study import Study
from orbicyte.study.files import temporary_of

SCRIPT = """
import sys, time
from pathlib import Path
from orbicyte.cli import app
from orbicyte.stages import import_
from orbicyte.study.files import replacing

def stay(*_, **__):
    with replacing(Path(sys.argv[1]) / "half") as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(60)

import orbicyte
orbicyte.report = stay
import orbicyte.stages.report
orbicyte.stages.report.report = stay
app(["report", sys.argv[2]])
"""


def test_a_study_whose_first_file_was_not_finished_can_be_created(tmp_path: Path) -> None:
    path = tmp_path / "study"
    path.mkdir()
    temporary_of(path / "study.json").write_text('{"format": 1')
    (path / ".lock").touch()
    assert Study.open(Study.create(path).path).id
    assert not list(path.glob("*.writing"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_with_one_line_and_no_remains(
    victim: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "out").mkdir()
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "out"), str(victim)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (number, signal.SIGINT)],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(number)
    _, printed = process.communicate(timeout=120)
    assert process.returncode == code
    name = "" if number == signal.SIGINT else f" by {number.name}"
    kept = "finished work is kept; run the same command again to continue"
    assert printed == f"orbicyte: interrupted{name}: {kept}\n"
    assert not list((tmp_path / "out").iterdir())
