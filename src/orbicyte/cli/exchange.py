"""To and from other programs: export."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import command, group

export_app = group("export", "For other programs: 'export onnx RUN'.")


@command(export_app, "onnx")
def export_onnx_command(
    run: Annotated[Path, typer.Argument(help="A run folder, STUDY/runs/NAME.")],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default encoder.onnx in the run folder.")
    ] = None,
) -> None:
    """The encoder of a run, with its pose, as one ONNX file: patches -> representations."""
    from orbicyte.stages.export import export_onnx

    typer.echo(str(export_onnx(run, out)))
