"""People at work: review, agreement."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command

StudyWithCells = Annotated[Path, typer.Argument(help="The study's folder, made by 'orbicyte detect'.")]


@command(app, "review")
def review_command(
    study: StudyWithCells,
    host: Annotated[
        str, typer.Option(help="Address to listen at; any but this machine's own asks everyone for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="By default the first free one from 8790.")] = 0,
    classes: Annotated[
        Path | None, typer.Option(help="Names to choose from, one a line; by default the paper's ten types.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="The token, at least 16 letters or digits; by default a new one where one is needed."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Check the cells that were found, and name them, on a page in the browser."""
    from orbicyte.review.serving import serve

    serve(study, host=host, port=port, classes=classes, token=token, browse=open_)


@command(app, "agreement")
def agreement_command(
    study: StudyWithCells,
    out: Annotated[Path | None, typer.Option(help="A CSV to write the table to.")] = None,
    disagreements: Annotated[
        Path | None, typer.Option(help="A CSV to write the cells to on which readers disagree.")
    ] = None,
) -> None:
    """Whether readers give cells the same names: Cohen's kappa of each pair, overall and by type."""
    from orbicyte.stages.agreement import agreement

    table = agreement(study, out=out, disagreements=disagreements)
    typer.echo(table.to_string(index=False, float_format="{:.3f}".format, na_rep="-"))
