"""The tables of results in docs/ are those of the committed results."""

from collections.abc import Callable

import pytest
from tests.documentation.pages import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "invariance"


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


def block(page: str, mark: str) -> str:
    """What is between the marks of a page."""
    _, _, rest = (ROOT / page).read_text(encoding="utf-8").partition(f"<!-- {mark} -->")
    return rest.partition(f"<!-- end of {mark} -->")[0].strip()
