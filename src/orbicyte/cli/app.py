"""The application and its exit codes: 0; 2 with one line for a user error; 130 for Ctrl-C, 143 SIGTERM, 129 SIGHUP."""

import errno
import functools
from collections.abc import Callable
from importlib.metadata import version
from itertools import groupby
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
import typer.core

from orbicyte.cli.ending import ending
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import describe_error
from orbicyte.study.processes import is_first_on_node


class CommandsByFile(typer.core.TyperGroup):
    """Lists the commands under the name of the file that defines them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Heading by heading, in the order of registration."""
        order = list(dict.fromkeys(_headings.values()))
        return sorted(_headings, key=lambda name: order.index(_headings[name]))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section per file."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        for heading, group in groupby(names, _headings.__getitem__):
            with formatter.section(heading):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(width)) for name in group])


_headings: dict[str, str] = {}
"""The heading of each command in ``orbicyte --help``, in the order of registration."""

app = typer.Typer(
    cls=CommandsByFile,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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


def group(name: str, help_: str, module: str, cls: type[typer.core.TyperGroup] | None = None) -> typer.Typer:
    """A command with subcommands, defined in ``module``."""
    inner = typer.Typer(cls=cls, no_args_is_help=True, rich_markup_mode=None, help=help_)
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
                    raise _exit(str(error), 2) from None
                except OSError as error:
                    if error.errno in (None, errno.EPIPE):
                        raise
                    raise _exit(f"{error.filename or 'cannot write'}: {describe_error(error)}", 2) from None
                except KeyboardInterrupt:
                    kept = "finished work is kept; run the same command again to continue"
                    raise _exit(f"{end.reason}: {kept}", end.exit_code) from None

        if parent is app:
            _headings[name] = _heading(function.__module__)
        return parent.command(name)(guarded)

    return register


def _heading(module: str) -> str:
    """The heading of the commands that ``module`` defines: its name."""
    return module.rpartition(".")[2].replace("_", " ").capitalize()


def _exit(message: str, code: int) -> typer.Exit:
    if is_first_on_node():
        typer.echo("orbicyte: " + " ".join(message.split()), err=True)
    return typer.Exit(code)
