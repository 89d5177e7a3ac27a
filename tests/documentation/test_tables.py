"""The tables of results in docs/ are those of the committed results."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from tests.documentation.pages import ROOT

from orbicyte.stages.experiment.results import kept_results
from orbicyte.study.scores import read_scores

RESULTS = ROOT / "benchmarks" / "results" / "invariance"
EXPERIMENT = ROOT / "docs" / "results"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The table of a budget, as the benchmark prints it."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.invariance.rows import ROWS
    from benchmarks.invariance.table import short_table, table

    def made(budget: str, short: bool = False) -> str:
        folder = RESULTS / budget / "results"
        return short_table(folder) if short else table(folder, list(ROWS))

    return made


@pytest.mark.parametrize(("budget", "mark"), [("small", "invariance"), ("all", "invariance-all")])
def test_the_table_of_a_budget_is_that_of_its_results(budget: str, mark: str, table: Callable[..., str]) -> None:
    assert block("docs/invariance.md", mark) == table(budget)


def test_the_table_of_the_readme_is_that_of_the_results(table: Callable[..., str]) -> None:
    assert block("README.md", "networks") == table("small", short=True)


@pytest.mark.parametrize("name", ["trainings", "findings", "without_gpu", "causes", "framed", "comparisons"])
def test_the_page_of_the_experiment_has_its_tables(name: str) -> None:
    assert block("docs/results.md", name) == (EXPERIMENT / f"{name}.md").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("name", ["values", "trainings"])
def test_the_page_of_the_experiment_has_its_tables_at_128_px(name: str) -> None:
    table = EXPERIMENT / "128px" / f"{name}.md"
    assert block("docs/results.md", f"{name}-128px") == table.read_text(encoding="utf-8").strip()


def test_the_comparisons_are_of_the_committed_runs() -> None:
    """Means only: the intervals take minutes."""
    runs = kept_results(EXPERIMENT / "runs")
    rows = read_scores(run.score_table for run in runs)
    rows = rows[(rows["type"] == "") & rows["angle_deg"].isna()]
    keys = ["measure", "network", "rotation_weight"]
    found = rows.groupby(keys, dropna=False)["value"].agg(["count", "mean", geometric_mean])
    table = pd.read_csv(EXPERIMENT / "comparisons.csv").set_index(keys)
    both = table.join(found, rsuffix="_of_runs", how="left")
    assert len(both) == len(table)
    assert (both["trainings"] == both["count"]).all()
    expected = both["geometric_mean"].where(both["mean_is"] == "geometric", both["mean_of_runs"])
    np.testing.assert_allclose(both["mean"], expected, rtol=1e-5)


def geometric_mean(values: pd.Series) -> float:
    """NaN if a value is not above 0."""
    return float(np.exp(np.log(values.where(values > 0)).mean(skipna=False)))


def block(page: str, mark: str) -> str:
    """What is between the marks of a page."""
    _, _, rest = (ROOT / page).read_text(encoding="utf-8").partition(f"<!-- {mark} -->")
    return rest.partition(f"<!-- end of {mark} -->")[0].strip()
