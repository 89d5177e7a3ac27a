"""The report stage writes complete files, with the same content each time."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest

from orbicyte.stages.report import report
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder, RunKey
from orbicyte.study.scores import read_evaluation, write_evaluation


def test_the_page_and_every_linked_figure_are_written_with_the_same_content_each_time(study: Study) -> None:
    page = report(study.path)
    assert page == study.path / "report.html"
    linked = set(re.findall(r'href="figures/([\w-]+\.(?:svg|pdf|png))"', page.read_text(encoding="utf-8")))
    assert linked == {path.name for path in study.figures.iterdir()}
    assert {"cells.svg", "rotation-kl.svg", "reconstructions.svg", "f1.svg"} <= linked
    for path in study.figures.glob("*.svg"):
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    before = {path.name: path.read_bytes() for path in (page, *study.figures.iterdir())}
    report(study)
    assert {path.name: path.read_bytes() for path in (page, *study.figures.iterdir())} == before


def test_runs_that_were_evaluated_with_different_versions_are_named(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, version in (("baseline-fold1-seed0", "1.8"), ("only_stn-w0.5-fold1-seed0", "1.9")):
        run = RunFolder(study.run(name))
        write_evaluation(run.evaluation, replace(read_evaluation(run.evaluation), versions={"scikit-learn": version}))
    expected = "runs were evaluated with different versions of scikit-learn: 1.8 in 1; 1.9 in 1"
    report(study)
    assert expected in capsys.readouterr().err


def test_measures_of_networks_that_were_trained_several_times_are_a_table(make_study: Callable[..., Study]) -> None:
    study = make_study([RunKey("baseline", None, 0, 1), RunKey("baseline", None, 0, 2), RunKey("only_stn", 0.5, 0, 1)])
    report(study)
    table = pd.read_csv(study.comparisons)
    assert {"ssim", "f1/mlp", "new_measure"} <= set(table["measure"])
    assert set(table["network"]) == {"baseline", "only_stn"}
    shutil.rmtree(study.run("baseline-fold2-seed0"))
    report(study)
    assert not study.comparisons.exists()


def test_neither_a_model_nor_torch_is_needed(make_study: Callable[..., Study]) -> None:
    study = make_study([RunKey("baseline", None, 0, 1)], types=())
    code = "import sys; from orbicyte import report; report(sys.argv[1]); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(study.path)], check=True)
    assert study.report.exists()
