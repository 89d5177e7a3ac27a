"""Running the review's server until Ctrl-C."""

import secrets
import socket
import threading
import webbrowser
from pathlib import Path

import uvicorn

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.review.app import create_app
from orbicyte.review.classes import read_classes
from orbicyte.review.security import check_token, is_loopback
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes

FIRST_PORT = 8790
PORTS = 100


def serve(
    study: Study | Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    classes: Path | None = None,
    token: str | None = None,
    browse: bool = True,
    encoding: str | None = None,
) -> None:
    """Serve the review of ``study`` until Ctrl-C; print the address, and open the browser if ``browse``.

    ``port``: 0 for the first free one from 8790. ``classes``: a file with the study's cell types, in ``encoding``.
    ``token``: by default a random one if other machines can reach ``host``, else none. Raises ``OrbicyteError`` if no
    slide has detected cells, the port is in use, ``classes`` lacks labels that cells have, or the token is too short.
    """
    study = Study.of(study)
    _check(study, classes, encoding)
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    check_token(host, token)
    app = create_app(study, host=host, token=token)
    listening = _listening(host, port)
    address = _address(host, listening.getsockname()[1], token)
    if note := ReviewStore(study).note:
        print_line(note)
    print_line(f"review: {address}  (Ctrl-C stops it; everything is saved)")
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2)
    )
    if browse:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        server.run([listening])
    except KeyboardInterrupt:  # uvicorn has already shut down
        print_line("review: stopped")
    finally:
        listening.close()


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
