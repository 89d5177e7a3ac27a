"""The server of the review: JSON for its page, tiles and crops.

Blocking work runs in threads, decisions in a few of them only, so that reading never waits for decisions.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse, Response
from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from orbicyte.errors import OrbicyteError
from orbicyte.review.events import Id, first_mistake
from orbicyte.review.refusals import RefusedError
from orbicyte.review.security import Guard
from orbicyte.review.service import ReviewService
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.classes import chosen_classes
from orbicyte.study.needed import Needed

WEB = Path(__file__).parent / "web" / "dist"
NOT_BUILT = "The review page is not built. In a checkout: .venv/bin/python setup.py build_front_end\n"
LONGEST_NAME = 60
FOREVER = "private, max-age=31536000, immutable"
AN_HOUR = "private, max-age=3600"
WRITERS = 2
"""Requests that make decisions at once; the others wait without a thread."""
NEWEST = 2**63 - 1
"""Of the numbers that SQLite gives to events."""


def _name(reader: str) -> str:
    reader = " ".join(reader.split())
    if not 0 < len(reader) <= LONGEST_NAME or not reader.isprintable():
        raise ValueError(f"expected a name of 1 to {LONGEST_NAME} characters")
    return reader


Reader = Annotated[str, AfterValidator(_name)]


class Who(BaseModel):
    """The reader who asks for undo or redo."""

    reader: Reader


class Batch(Who):
    """Decisions of one reader in one step, or a part of them: parts with the same ``batch`` are undone together."""

    events: list[Any]
    batch: Id | None = None


Body = TypeVar("Body", bound=Who)


def create_app(
    study: Study | Path | str,
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    once: str | None = None,
    settings: Settings | None = None,
) -> FastAPI:
    """The server of ``study``. ``host``: the address it listens at; ``token``: required of every client, None for none.

    ``once``: accepted once instead of the token; ``settings``: those of the later training, by default those of the
    presets: the page says how many slides and cells their folds need. Raises ``OrbicyteError`` if the review cannot be
    read, or if the token does not fit (see ``check_token``).
    """
    study = Study.of(study)
    service = ReviewService(study, chosen_classes(study), Needed.of(settings or Settings()))

    async def same_study(x_orbicyte_study: Annotated[str | None, Header()] = None) -> None:
        service.check_study(x_orbicyte_study)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.store.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=closing, dependencies=[Depends(same_study)])
    app.add_middleware(Guard, host=host, token=token, once=once)
    app.add_exception_handler(OrbicyteError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    _add_page(app)
    _add_queries(app, service)
    _add_decisions(app, service)
    _add_pictures(app, service)
    return app


def _add_page(app: FastAPI) -> None:
    @app.get("/")
    def page() -> Response:
        if not (WEB / "index.html").exists():
            return PlainTextResponse(NOT_BUILT, 503)
        return FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        file = next((file for file in (WEB / "assets").glob("*") if file.name == name and file.is_file()), None)
        if file is None:
            return _json({"problem": "there is no such file"}, 404)
        return FileResponse(file, headers={"Cache-Control": "no-cache"})


def _add_queries(app: FastAPI, service: ReviewService) -> None:
    @app.get("/api/study")
    def study() -> Response:
        return _json(service.overview())

    @app.get("/api/slides/{slide}/cells")
    def cells(slide: str, reader: Reader) -> Response:
        return _json(service.cells(slide, reader))

    @app.get("/api/slides/{slide}/cells/{cell}/outline")
    def outline(slide: str, cell: str) -> Response:
        return _json({"outline_px": service.outline(slide, cell)})

    @app.get("/api/slides/{slide}/labelled")
    def labelled(slide: str, reader: Reader) -> Response:
        return _json({"cells": service.labelled(slide, reader)})

    @app.get("/api/events")
    def events(since: Annotated[int, Query(ge=0, le=NEWEST)], reader: Reader) -> Response:
        return _json(service.events(since, reader))

    @app.get("/api/needs")
    def needs(reader: Reader) -> Response:
        return _json(service.needs(reader))

    @app.get("/api/steps")
    def steps(reader: Reader) -> Response:
        return _json(service.steps(reader))

    @app.get("/api/agreement")
    def agreement() -> Response:
        return _json(service.agreement())

    @app.get("/api/agreement/cells")
    def compared(first: Reader, second: Reader, label_1: str | None = None, label_2: str | None = None) -> Response:
        labels = None if label_1 is None or label_2 is None else (label_1, label_2)
        return _json(service.compared((first, second), labels))


def _add_decisions(app: FastAPI, service: ReviewService) -> None:
    turns = asyncio.Semaphore(WRITERS)

    async def decided(request: Request, kind: type[Body], decide: Callable[[Body], dict[str, Any]]) -> Response:
        content = await request.body()
        async with turns:
            return await run_in_threadpool(lambda: _json(decide(_read(content, kind))))

    @app.post("/api/events")
    async def append(request: Request) -> Response:
        return await decided(request, Batch, lambda sent: service.append(sent.reader, sent.events, sent.batch))

    @app.post("/api/undo")
    async def undo(request: Request) -> Response:
        return await decided(request, Who, lambda who: service.undo_or_redo(who.reader, "undo"))

    @app.post("/api/redo")
    async def redo(request: Request) -> Response:
        return await decided(request, Who, lambda who: service.undo_or_redo(who.reader, "redo"))


def _read(content: bytes, kind: type[Body]) -> Body:
    """The body of a request. Raises ``RefusedError`` with the first mistake."""
    try:
        return kind.model_validate(json.loads(content))
    except ValidationError as error:
        raise RefusedError(f"body: {first_mistake(error.errors(include_url=False))}") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"body: expected JSON: {error}") from None


def _add_pictures(app: FastAPI, service: ReviewService) -> None:
    @app.get("/tiles/{slide}/{level}/{column}_{row}.jpg")
    def tile(slide: str, level: int, column: int, row: int) -> Response:
        return _jpeg(service.tile(slide, level, column, row), AN_HOUR)

    @app.get("/crops/{slide}/{cell}.jpg")
    def crop(
        slide: str,
        cell: str,
        px: Annotated[int, Query(ge=16, le=512)] = 96,
        um: Annotated[float, Query(ge=2, le=200)] = 24,
    ) -> Response:
        return _jpeg(service.crop(slide, cell, px, um), FOREVER)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(to_json(content), status, {"Cache-Control": "no-store"}, "application/json")


def _jpeg(content: bytes, caching: str) -> Response:
    return Response(content, headers={"Cache-Control": caching}, media_type="image/jpeg")


def _refused(request: Request, error: Exception) -> Response:
    """Damaged or missing files: 404 for a client that reads; 503 for a decision, which can be sent again later."""
    otherwise = 503 if request.method == "POST" else 404
    problem = " ".join(str(error).split())
    return _json({"problem": problem}, error.status if isinstance(error, RefusedError) else otherwise)


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json({"problem": error.detail}, error.status_code)


def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _json({"problem": first_mistake(error.errors())}, 400)
