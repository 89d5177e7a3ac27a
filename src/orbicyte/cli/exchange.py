"""To and from other programs: export, import-cells."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli.app import app, command, group

export_app = group("export", "For other programs: 'export geojson STUDY', 'export onnx RUN', ...")

Cells = Annotated[Path, typer.Argument(help="The study's folder, made by 'orbicyte detect'.")]


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


@command(export_app, "geojson")
def export_geojson_command(
    study: Cells,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; by default geojson in the study.")] = None,
    gz: Annotated[bool, typer.Option("--gz", help="Compressed: .geojson.gz.")] = False,
    annotations: Annotated[
        bool, typer.Option("--annotations", help="As annotations, which QuPath lets you edit, not detections.")
    ] = False,
) -> None:
    """The cells as people left them, for QuPath: one file a slide."""
    from orbicyte.stages.export_cells import export_geojson

    for path in export_geojson(study, out, compressed=gz, annotations=annotations):
        typer.echo(str(path))


@command(export_app, "coco")
def export_coco_command(study: Cells, out: Annotated[Path, typer.Option(help="The JSON file to write.")]) -> None:
    """The cells of all slides as one COCO file: boxes, polygons, categories."""
    from orbicyte.stages.export_cells import export_coco

    typer.echo(str(export_coco(study, out)))


@command(export_app, "csv")
def export_csv_command(study: Cells, out: Annotated[Path, typer.Option(help="The CSV to write.")]) -> None:
    """The cells of all slides as one table, without outlines."""
    from orbicyte.stages.export_cells import export_csv

    typer.echo(str(export_csv(study, out)))


@command(app, "import-cells")
def import_cells_command(
    study: Cells,
    files: Annotated[list[Path], typer.Argument(help="QuPath's GeoJSON files, or label images (.tif, .png).")],
    slide: Annotated[str | None, typer.Option(help="The slide; by default the one of the file's name.")] = None,
    reader: Annotated[
        str | None, typer.Option(help="Whose decisions these are; by default a reader named after the file.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Reject the cells that are not in the file.")] = False,
) -> None:
    """Edits made in QuPath, or cells from a label image -> review, as decisions of a reader."""
    from orbicyte.stages.import_cells import import_cells

    import_cells(study, files, slide=slide, reader=reader, delete=delete)
