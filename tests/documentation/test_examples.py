"""Every example of the README and of docs/ runs, page by page, in a folder with small files of the names used there.

Commands have the arguments of the page, and those that train also the smallest settings. Not run: what installs
orbicyte, ``demo`` (it has tests/stages/test_demo.py), and schedulers of other programs. Of scripts, only arguments are
parsed. The code of docs/harmonic.md runs in tests/harmonic/test_documentation.py.
"""

import argparse
import json
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, create_autospec

import numpy as np
import pytest
from distributed import LocalCluster
from tests.documentation.conftest import RUN
from tests.documentation.pages import PAGES, ROOT, examples
from typer.testing import CliRunner

import orbicyte
from orbicyte import cli
from orbicyte.data.patches import PatchStore
from orbicyte.review import serving
from orbicyte.stages import train_detector
from orbicyte.stages.demo import review_by_truth
from orbicyte.stages.experiment.results import keep_result
from orbicyte.stages.export_geojson import export_geojson
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder

pytestmark = pytest.mark.filterwarnings("default")  # those of libraries concern their own tests

WITH_A_STUDY = {"audit.md", "counting.md", "detection.md", "exchange.md", "review.md", "using.md"}
"""Pages for which there is a study at the beginning; the others make it."""
OTHER_PROGRAMS = {"python3", "py", "pip", "make", ".", "source", "export", "dask", "grep", "cat"}
OTHER_FILES = {".venv/bin/python", ".venv/Scripts/Activate.ps1"}
WORDS = {
    "SLIDES...": "SLIDES",
    "/shared/STUDY": "STUDY",
    "STUDY/runs/RUN": f"STUDY/runs/{RUN}",
    "a": "D1",
    "a.geojson": "D1.geojson",
    "b.geojson.gz": "D2.geojson.gz",
    "mask.tif": "SLIDES/D1.mask.tif",
    "255": "0",
}
"""What a word of the pages is in the test."""

Run = Callable[[list[str]], None]


@pytest.fixture
def run(tiny_assignments: list[str], cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs an ``orbicyte`` command in this process, with a reader who knows the truth in place of the browser."""
    smallest = [word for one in (*tiny_assignments, "training.max_epochs=1") for word in ("--set", one)]
    further = {
        "run": [*smallest, "--networks", "framed_hnet"],
        "train": smallest,
        "experiment": [*smallest, "--networks", "baseline", "--folds", "3"],
        "detector": ["--steps", "2"],
    }
    hosts = {"HOST:PORT": cluster.scheduler_address, "HEAD:8786": cluster.scheduler_address}
    monkeypatch.setattr(train_detector, "SYNTHETIC_SMEARS", 1)
    monkeypatch.setattr(serving, "serve", lambda study, **_: review_by_truth(Study.open(study)))

    def invoke(words: list[str]) -> None:
        words = [hosts.get(word, WORDS.get(word, word)) for word in words]
        out = Path(words[words.index("--out") + 1]) if "--out" in words else None
        if words[0] in {"run", "import"} and out is not None:
            shutil.rmtree(out, ignore_errors=True)  # the page's other study has the same name
        more = further.get(words[0], [])
        if words[0] == "experiment" and list(Path("STUDY/runs").glob("*")):
            more = [*more, "--dry-run"]  # all is done: only the arguments are new
        result = CliRunner().invoke(cli.app, [*words, *more])
        assert result.exit_code == 0, (words, result.output, result.exception)
        assert out is None or out.exists()

    return invoke


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, place: Path, run: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.name in WITH_A_STUDY:
        shutil.copytree(request.getfixturevalue("finished"), "STUDY")
    if page.name == "exchange.md":
        export_edits()
    if page.name == "audit.md":
        keep_result(RunFolder(Path("STUDY/runs") / RUN), Path("RESULTS"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for example in examples(page):
        if example.python and page.name != "harmonic.md":
            execute(example.python, names, monkeypatch)
        for words in pipeline(example.shell):
            if words[0] == "orbicyte":
                if words[1] != "demo":
                    run(words[1:])
            elif words[:2] == ["python", "-c"]:
                exec(words[2].replace("400, 870, size_px=96", "30, 30, size_px=32"))
            elif words[0] == "python":
                parse(words[1:], monkeypatch)
            else:
                assert words[0] in OTHER_PROGRAMS | OTHER_FILES, words


def export_edits() -> None:
    """The files that somebody edited in QuPath, with the labels in the property type_str, too."""
    export_geojson("STUDY", ".")
    export_geojson("STUDY", ".", compressed=True)
    file = Path("D1.geojson")
    content = json.loads(file.read_text())
    for feature in content["features"]:
        feature["properties"]["type_str"] = feature["properties"].get("classification", {}).get("name")
    file.write_text(json.dumps(content))


def pipeline(line: str) -> Iterator[list[str]]:
    """The words of each command of a line for a shell, without comments, variables and the brackets of options."""
    if line.startswith("orbicyte"):
        line = line.replace("[--", "--").replace("]", "")
    words = shlex.split(line.replace("\\", "/"), comments=True)
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S+", word)]
    while words:
        end = next((i for i, word in enumerate(words) if word in {"|", "&&"}), len(words))
        yield words[:end]
        words = words[end + 1 :]


def execute(code: str, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the code of a page, with ``images`` of the study, and without what takes long or needs a cluster."""
    import scanpy

    store = Path("STUDY/patches")
    names["images"] = PatchStore.open(store).images[:3] if store.exists() else None
    names["image"] = np.full((300, 300, 3), 240, np.uint8)
    for file in Path("STUDY/runs").rglob("encoder.onnx"):
        shutil.copy(file, ".")
    shutil.copy("SLIDES/D1.tif", "slide.svs")
    for module, function in ((scanpy.pp, "neighbors"), (scanpy.tl, "umap")):
        monkeypatch.setattr(module, function, lambda data, **_: data.X)
    monkeypatch.setattr(scanpy.pl, "umap", lambda data, color: data.obs[color])
    monkeypatch.setitem(sys.modules, "dask_jobqueue", MagicMock())
    with monkeypatch.context() as patch:
        patch.setattr(orbicyte, "experiment", create_autospec(orbicyte.experiment))
        exec(code, names)
    if "onnxruntime" in names:
        expected = orbicyte.load(f"STUDY/runs/{RUN}").embed(names["images"])
        assert np.abs(names["mean"] - expected).max() < 1e-3 * np.abs(expected).max()


def parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse the arguments of a script as it does, and do nothing else; one that parses none must get none."""
    if words[0] == "-m":
        module = ROOT / words[1].replace(".", "/")
        file, arguments = module / "__main__.py" if module.is_dir() else module.with_suffix(".py"), words[2:]
    else:
        file, arguments = ROOT / words[0], words[1:]
    if "argparse" not in file.read_text(encoding="utf-8"):
        assert not arguments
        return
    original = argparse.ArgumentParser.parse_args

    def parse_args(self: argparse.ArgumentParser, *given: Any) -> None:
        original(self, *given)
        raise SystemExit(0)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
        patch.setattr(sys, "argv", [str(file), *arguments])
        patch.syspath_prepend(file.parent)
        with pytest.raises(SystemExit) as ending:
            runpy.run_path(str(file), run_name="__main__")
    assert ending.value.code == 0, words
