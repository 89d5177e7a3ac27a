import os

import pytest

from orbicyte.study.processes import as_single_process, first_process


def test_a_single_process_has_no_rank_although_srun_started_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    assert not first_process()
    with as_single_process():
        assert first_process()
        assert "SLURM_NTASKS" not in os.environ
    assert (os.environ["SLURM_PROCID"], os.environ["SLURM_NTASKS"]) == ("3", "8")
