"""The study and the server of ``made_study`` as fixtures, and the command in a process."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import Client
from tests.review.made_study import make_study, served

from orbicyte.review.app import create_app
from orbicyte.study import Study


@pytest.fixture
def found(tmp_path: Path) -> Study:
    """The study of ``make_study``."""
    return make_study(tmp_path)


@pytest.fixture
def new_study(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Study]:
    """Makes further studies, for tests with many examples."""
    return lambda: make_study(tmp_path_factory.mktemp("study"))


Drafting = Callable[..., dict[str, Any]]


@pytest.fixture
def draft() -> Drafting:
    """Makes an event as a client sends it: ``draft("a", cell, "check", status="kept")``."""

    def make(slide: str, cell: str, kind: str, **after: object) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": kind, "after": after}

    return make


Serving = Callable[..., Any]


@pytest.fixture
def serving() -> Serving:
    """``with serving(study, token=...) as client``."""
    return lambda study, **options: served(create_app(study, **options))


@pytest.fixture
def client(found: Study) -> Iterator[Client]:
    """A client of the server of ``found``."""
    with served(create_app(found)) as client:
        yield client


Running = Callable[..., Any]


@pytest.fixture
def running() -> Running:
    """A real server in a separate process: ``with running(study) as (process, port)``."""

    @contextmanager
    def run(study: Study, *options: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
        words = [sys.executable, "-m", "orbicyte", "review", str(study.path), "--no-open", "--no-token", *options]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})
        try:
            assert process.stderr
            line = process.stderr.readline()
            assert line.startswith("review: http://127.0.0.1:"), line
            yield process, int(line.split(":")[3].partition("/")[0])
        finally:
            process.kill()
            process.communicate()

    return run
