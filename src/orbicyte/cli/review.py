"""Review by people: review, agreement."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command
from orbicyte.cli.options import PRESET_FOLDS, Encoding, StudyWithSlides


@command(app, "review")
def review_command(
    study: StudyWithSlides,
    host: Annotated[str, typer.Option(help="Address to listen at, such as 0.0.0.0 for other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: the first free one from 8790.")] = 0,
    classes: Annotated[
        Path | None,
        typer.Option(
            help="File with the cell types, one per line.",
            show_default="the paper's ten types",
            callback=paths.existing,
        ),
    ] = None,
    encoding: Encoding = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=3,
            help="Number of folds that 'run' will have; what the page says about how much to label depends on it.",
            show_default=str(PRESET_FOLDS),
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ORBICYTE_REVIEW_TOKEN",
            help="Access token: at least 16 letters or digits.",
            show_default="a random one for each start",
        ),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let every account of this machine read and decide, without a token.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Check and label the detected cells, on a page in the browser."""
    from orbicyte.review.serving import serve

    serve(
        study,
        host=host,
        port=port,
        classes=classes,
        token=token,
        no_token=no_token,
        browse=open_,
        encoding=encoding,
        folds=folds,
    )


@command(app, "agreement")
def agreement_command(
    study: StudyWithSlides,
    out: Annotated[Path | None, typer.Option(help="CSV file for the table.")] = None,
    disagreements: Annotated[Path | None, typer.Option(help="CSV file for the cells where readers disagree.")] = None,
) -> None:
    """Agreement between readers: Cohen's kappa of each pair, overall and by type."""
    from orbicyte.stages.agreement import agreement

    table = agreement(study, out=out, disagreements=disagreements)
    typer.echo(table.to_string(index=False, float_format="{:.3f}".format, na_rep="-"))
