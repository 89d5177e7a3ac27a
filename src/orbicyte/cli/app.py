"""The application, and how every command ends: 0, one line and 2 for what a user can mend, 130 for Ctrl-C."""

import errno
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from orbicyte.errors import OrbicyteError
from orbicyte.study import is_first_on_node, told

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Representations of single cells that do not depend on how the cell happens to lie.",
)


def group(name: str, help_: str, parent: typer.Typer = app) -> typer.Typer:
    """A command with commands of its own."""
    inner = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=help_)
    parent.add_typer(inner, name=name)
    return inner


P = ParamSpec("P")
T = TypeVar("T")


def command(parent: typer.Typer, name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Register a command: exit code 2 and one line for what a user can mend, 130 for Ctrl-C."""

    def register(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except OrbicyteError as error:
                raise _exit(str(error), 2) from None
            except OSError as error:
                if error.errno in (None, errno.EPIPE):
                    raise
                raise _exit(f"{error.filename or 'cannot write'}: {told(error)}", 2) from None
            except KeyboardInterrupt:
                raise _exit("interrupted: what is done is kept; the same command goes on from there", 130) from None

        return parent.command(name)(guarded)

    return register


def _exit(message: str, code: int) -> typer.Exit:
    if is_first_on_node():
        typer.echo("orbicyte: " + " ".join(message.split()), err=True)
    return typer.Exit(code)
