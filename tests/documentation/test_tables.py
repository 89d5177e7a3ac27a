"""The tables of results in docs/ are those of the committed results."""

from collections.abc import Callable

import pytest
from tests.documentation.pages import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "invariance"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The table of a budget, as the benchmark prints it."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.invariance.rows import ROWS
    from benchmarks.invariance.table import table

    return lambda budget: table(RESULTS / budget / "results", list(ROWS))


@pytest.mark.parametrize(("budget", "mark"), [("small", "invariance"), ("all", "invariance-all")])
def test_the_table_of_a_budget_is_that_of_its_results(budget: str, mark: str, table: Callable[[str], str]) -> None:
    page = (ROOT / "docs" / "invariance.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"<!-- {mark} -->")
    block, _, _ = rest.partition(f"<!-- end of {mark} -->")
    assert block.strip() == table(budget).strip()
