import shutil
from pathlib import Path

import pytest
from tests.adversarial.victim import complete


@pytest.fixture(scope="session")
def victim(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with all of its files; whoever damages one restores it."""
    study = Path(shutil.copytree(trained, tmp_path_factory.mktemp("victim") / "study"))
    complete(study)
    return study
