from pathlib import Path

import pytest

from orbicyte.settings import Settings
from orbicyte.stages.experiment.pieces import Piece
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study


@pytest.fixture
def pieces(study: Path, tiny: Settings) -> list[Piece]:
    """Two networks on three folds."""
    return plan(Study.open(study), ["baseline", "only_stn"], (0.5,), [1, 2, 3], 1, tiny)
