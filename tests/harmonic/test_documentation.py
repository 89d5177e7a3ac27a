"""The code of docs/harmonic.md runs, in the order of the page."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "harmonic.md"


def test_the_code_runs_and_the_classifier_is_invariant_and_accurate(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()
    y = names["y"][1200:]
    assert float((names["predicted"] == names["rotated"]).float().mean()) > 0.99
    assert float((names["predicted"] == y).float().mean()) > 0.85
    assert capsys.readouterr().out.startswith("24 48\ntensor(")
