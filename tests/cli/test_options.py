from pathlib import Path

import pytest
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.cli.options import DEFAULT_NETWORKS, network_names
from orbicyte.presets import PAPER_NETWORKS, RECOMMENDED
from orbicyte.stages import run as run_stage


def test_paper_stands_for_the_papers_networks_and_none_is_named_twice() -> None:
    assert network_names(DEFAULT_NETWORKS) == list(RECOMMENDED)
    assert network_names("paper") == list(PAPER_NETWORKS)
    assert network_names("only_stn, framed_hnet,only_stn") == ["only_stn", "framed_hnet"]
    mixed = network_names("inv_hnet,paper,pretrained")
    assert mixed[0] == "inv_hnet"
    assert sorted(mixed) == sorted([*PAPER_NETWORKS, "pretrained"])
    assert network_names(" , ") == []


@pytest.mark.parametrize(("given", "networks"), [([], RECOMMENDED), (["--networks", "paper"], PAPER_NETWORKS)])
def test_run_trains_the_given_networks(
    given: list[str], networks: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    monkeypatch.setattr(run_stage, "run", lambda *_, networks, **__: trained.extend(networks))
    assert CliRunner().invoke(cli.app, ["run", str(tmp_path), "--out", "study", *given]).exit_code == 0
    assert trained == list(networks)
