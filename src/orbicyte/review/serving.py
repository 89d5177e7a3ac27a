"""Running the review's server until Ctrl-C."""

import secrets
import socket
import threading
import webbrowser
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.review.app import create_app
from orbicyte.review.classes import read_classes
from orbicyte.review.connections import BACKLOG, LimitedConnection
from orbicyte.review.security import check_token
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes
from orbicyte.study.needed import what_to_label
from orbicyte.study.slides import slide_names

FIRST_PORT = 8790
PORTS = 100


def serve(
    study: Study | Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    classes: Path | None = None,
    token: str | None = None,
    no_token: bool = False,
    browse: bool = True,
    encoding: str | None = None,
    folds: int | None = None,
) -> None:
    """Serve the review of ``study`` until Ctrl-C; print the address, and open the browser if ``browse``.

    ``port``: 0 for the first free one from 8790. ``classes``: a file with the study's cell types, in ``encoding``.
    ``token``: by default a random one; ``no_token``: none, so that every account of this machine can decide.
    ``folds``: of the later training, by default those of the presets: what to label depends on them. Raises
    ``OrbicyteError`` if no slide has detected cells, the port is in use, ``classes`` lacks labels that cells have, the
    token is too short, or there is none although other machines can reach ``host``.
    """
    study = Study.of(study)
    if no_token and token is not None:
        raise OrbicyteError("give either --token or --no-token")
    if token is None and not no_token:
        token = secrets.token_urlsafe(24)
    check_token(host, token)
    _check(study, classes, encoding)
    once = token and secrets.token_urlsafe(24)
    settings = Settings() if folds is None else Settings().changed([f"folds={folds}"])
    app = create_app(study, host=host, token=token, once=once, settings=settings)
    listening = _listening(host, port)
    port = listening.getsockname()[1]
    if note := ReviewStore(study).note:
        print_line(note)
    print_line(f"review: {_address(host, port, token)}  (Ctrl-C stops it; everything is saved)")
    print_line(what_to_label(len(slide_names(study)), settings))
    server = uvicorn.Server(server_config(app))
    if browse:
        threading.Timer(0.5, webbrowser.open, [_address(host, port, once)]).start()
    try:
        server.run([listening])
    except KeyboardInterrupt:  # uvicorn has already shut down
        print_line("review: stopped")
    finally:
        listening.close()


def server_config(app: FastAPI) -> uvicorn.Config:
    """How the server of the review runs: limited connections, and no lines about requests of no use."""
    return uvicorn.Config(
        app,
        http=LimitedConnection,
        ws="none",
        backlog=BACKLOG,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


def _check(study: Study, classes: Path | None, encoding: str | None) -> None:
    with ReviewStore.open(study) as store:
        if not store.slides():
            raise OrbicyteError(
                f"{study.path} has no slides with cells: run 'orbicyte detect SLIDES --out STUDY' first"
            )
        if classes is not None:
            choose_classes(study, read_classes(classes, encoding), store.labels())


def _listening(host: str, port: int) -> socket.socket:
    """A socket at ``port``, or at the first free one if it is 0. Raises ``OrbicyteError`` if there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS):
        # With an explicit protocol, asyncio sends small answers without delay (TCP_NODELAY).
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(128)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
            if isinstance(error, socket.gaierror):
                break
            continue
        return listening
    raise OrbicyteError(f"cannot listen at {host} port {tried}: {reason}: give another --host or --port")


def _address(host: str, port: int, token: str | None) -> str:
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
