"""The application and its exit codes: 0; 2 with one line for a user error; 130 for Ctrl-C, 143 SIGTERM, 129 SIGHUP."""

import errno
import functools
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from orbicyte.cli.ending import ending
from orbicyte.cli.layout import WIDEST, Command, Group
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import describe_error
from orbicyte.study.processes import is_first_on_node


class CommandsByFile(Group):
    """Lists the commands under the name of the file that defines them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Heading by heading, in the order of registration."""
        order = list(dict.fromkeys(_headings.values()))
        return sorted(_headings, key=lambda name: order.index(_headings[name]))

    def heading(self, name: str) -> str:
        """One section per file."""
        return _headings[name]


_headings: dict[str, str] = {}
"""The heading of each command in ``orbicyte --help``, in the order of registration."""

app = typer.Typer(
    cls=CommandsByFile,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDEST},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orbicyte {version('orbicyte')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Representations of single cells that do not depend on the cell's orientation, from slides to cell types."""


def group(name: str, help_: str, module: str) -> typer.Typer:
    """A command with subcommands, defined in ``module``. A path never stands where the subcommand does."""
    inner = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None, help=help_)
    app.add_typer(inner, name=name)
    _headings[name] = _heading(module)
    return inner


P = ParamSpec("P")
T = TypeVar("T")


def command(parent: typer.Typer, name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Register a command: exit code 2 with one line for a user error, 128 plus its number for a signal."""

    def register(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            with ending() as end:
                try:
                    return function(*args, **kwargs)
                except OrbicyteError as error:
                    raise ended(str(error), 2) from None
                except OSError as error:
                    if error.errno in (None, errno.EPIPE):
                        raise
                    raise ended(f"{error.filename or 'cannot write'}: {describe_error(error)}", 2) from None
                except KeyboardInterrupt:
                    kept = "finished work is kept; run the same command again to continue"
                    raise ended(f"{end.reason}: {kept}", end.exit_code) from None

        if parent is app:
            _headings[name] = _heading(function.__module__)
        return parent.command(name, cls=Command)(guarded)

    return register


def _heading(module: str) -> str:
    """The heading of the commands that ``module`` defines: its name."""
    return module.rpartition(".")[2].replace("_", " ").capitalize()


def ended(message: str, code: int) -> typer.Exit:
    """What to raise to end a command with one line on stderr."""
    if is_first_on_node():
        typer.echo("orbicyte: " + " ".join(message.split()), err=True)
    return typer.Exit(code)
