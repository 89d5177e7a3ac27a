"""The page as readers see it."""

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

import pytest
from tests.reporting.made_experiment import ten_networks

from orbicyte.reporting import measures
from orbicyte.reporting.inputs import ReportInputs, read
from orbicyte.reporting.networks import Network
from orbicyte.reporting.page import Page, render
from orbicyte.reporting.values import Values, number
from orbicyte.study import Study
from orbicyte.study.failed_runs import RunFailure, write_failure
from orbicyte.study.runs import RunKey

MakeStudy = Callable[..., Study]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, build_study: MakeStudy) -> ReportInputs:
    return read(build_study(tmp_path_factory.mktemp("page") / "study"))


@pytest.fixture(scope="module")
def page(inputs: ReportInputs) -> Page:
    return render(inputs)


def visible(page: Page) -> str:
    """The page's text without the figures' content."""
    text = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", page.html, flags=re.DOTALL)
    return unescape(text).replace("\N{NO-BREAK SPACE}", " ")


class Addresses(HTMLParser):
    """Every tag and every address that a browser loads or follows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loaded: list[str] = []
        self.followed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster")]
        self.followed += [value or "" for name, value in attrs if name == "href"]


def test_every_network_and_weight_is_in_the_text_and_in_the_figures(page: Page) -> None:
    text = visible(page)
    figures = {figure.name: figure.svg.replace("\N{NO-BREAK SPACE}", " ") for figure in page.figures}
    for label in ("baseline", "only-STN, w = 0.2", "only-STN, w = 0.5", "only-STN, w = 0.9"):
        assert label in text
        assert f"<!-- {label} -->" in figures["f1"]
        assert f"<!-- {label} -->" in figures["rotation-kl"]
        assert f"<!-- {label} -->" in figures["training-curves"]


def test_numbers_on_the_page_are_the_rows(page: Page, inputs: ReportInputs) -> None:
    text = visible(page)
    rows = inputs.rows[(inputs.rows["type"] == "") & inputs.rows["angle_deg"].isna()]
    assert len(rows) > 80
    for row in rows.itertuples():
        assert number(float(str(row.value))) in text, row


def test_each_value_is_in_the_column_of_its_network(inputs: ReportInputs) -> None:
    values = Values(inputs.rows)
    table = measures.section(values).tables[0]
    row = next(row for row in table.rows if row[0] == "Rotation KL (nats)")
    assert list(row[2:]) == ["41", "12.5", "5", "2.78"]
    assert list(table.header[2:]) == [network.label for network in values.networks]


def test_an_unknown_measure_is_in_the_table(page: Page) -> None:
    assert "new_measure" in visible(page)


def test_figures_are_in_the_order_of_the_paper(page: Page) -> None:
    names = [figure.name for figure in page.figures]
    papers = ["cells", "rotation-kl", "reconstructions", "f1", "map-baseline", "training-curves"]
    assert [name for name in names if name in papers] == papers
    assert len(set(names)) == len(names)
    numbers = re.findall(r"Figure (\d+)\.", visible(page))
    assert numbers == [str(i + 1) for i in range(len(numbers))]


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    addresses = Addresses(page.html)
    assert not addresses.tags & {"script", "link", "iframe", "object"}
    assert addresses.loaded
    assert all(address.startswith("data:image/svg+xml") for address in addresses.loaded)
    assert all(re.match(r"#|figures/[\w-]+\.(svg|pdf|png)$", address) for address in addresses.followed)
    assert not re.search(r"url\((?!#|%23)|@import", page.html)
    for figure in page.figures:
        assert not re.search(r'href="(?!#|data:)', figure.svg)


def test_markup_in_labels_and_warnings_is_escaped(make_study: MakeStudy) -> None:
    page = render(read(make_study(types=("<script>alert(1)</script>", "a & b", '"quoted" -- $x$'))))
    assert "<script" not in page.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.html
    assert "script" not in Addresses(page.html).tags


def test_warnings_of_import_and_training_are_shown_once(page: Page) -> None:
    text = visible(page)
    assert text.count("3 unlabelled cells share a slide with labelled ones") == 1
    assert text.count("All runs: trained on less than 5,000 cells") == 1
    assert "Files that could not be read, left out: 1" in text


def test_every_setting_is_listed(page: Page, inputs: ReportInputs) -> None:
    text = visible(page)
    for section, content in inputs.runs[0].record.settings.model_dump().items():
        for name in content if isinstance(content, dict) else ():
            assert f"{section}.{name}" in text


def test_one_network_without_labels(make_study: MakeStudy) -> None:
    page = render(read(make_study([RunKey("baseline", None, 0, 1)], types=())))
    names = {figure.name for figure in page.figures}
    assert names >= {"rotation-kl", "reconstructions", "map-baseline", "training-curves"}
    assert not names & {"cells", "f1", "confusion-baseline"}
    assert "No cell of this study has a label" in visible(page)
    assert "F1 by cell type" not in visible(page)


def test_several_folds_become_mean_and_spread(make_study: MakeStudy) -> None:
    inputs = read(make_study([RunKey("baseline", None, 0, fold) for fold in (1, 2, 3)]))
    text = visible(render(inputs))
    ssim = inputs.rows[(inputs.rows["measure"] == "ssim") & inputs.rows["angle_deg"].isna()]["value"]
    assert f"{ssim.mean():.3f} ± {ssim.std():.3f}" in text


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory, build_study: MakeStudy) -> Page:
    """The page of the paper's ten networks on two folds; one training failed."""
    runs = [run for run in ten_networks(folds=(1, 2)) if run.folder_name != "equ_hnet-w0.9-fold2-seed0"]
    study = build_study(tmp_path_factory.mktemp("repeated") / "study", runs)
    failed = study.run("equ_hnet-w0.9-fold2-seed0")
    write_failure(failed, RunFailure("the loss is not finite <epoch 3>"))
    return render(read(study))


def test_ten_networks_on_two_folds_are_compared(repeated: Page) -> None:
    text = visible(repeated)
    assert "10 networks, each trained on up to 2 of 6 folds from one seed." in text
    assert "F1 of inv-HNet is below that of equ-HNet" in text
    assert "ratio to the baseline [95 %]" in text
    assert "Limits of one fold" not in text
    figures = {figure.name: figure.svg for figure in repeated.figures}
    assert {"rotation-kl", "rotation-kl-angle", "reconstructions", "reconstruction-measures", "f1"} <= figures.keys()
    for network in ten_networks(folds=[1]):
        label = Network(network.network, network.rotation_weight).label
        assert all(f"<!-- {label} -->" in figures[name] for name in ("rotation-kl", "reconstruction-measures", "f1"))


def test_a_failed_training_is_listed_with_its_reason(repeated: Page) -> None:
    sentence = "equ_hnet-w0.9-fold2-seed0 failed, it is not in this report: the loss is not finite <epoch 3>"
    assert sentence in visible(repeated)


def test_one_fold_states_that_it_is_one(page: Page) -> None:
    text = visible(page)
    assert "Limits of one fold" in text
    assert "Do the paper's findings hold?" not in text


def test_many_networks_fit(make_study: MakeStudy) -> None:
    names = [f"net_{letter}" for letter in "abcdefg"]
    runs = [RunKey("baseline", None, 0, 1), *(RunKey(name, w, 0, 1) for name in names for w in (0.2, 0.9))]
    page = render(read(make_study(runs, types=())))
    assert sum(figure.name.startswith("map-") for figure in page.figures) == 8
    assert len(page.html) < 10e6
