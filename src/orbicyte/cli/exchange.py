"""Exchange with other programs: export, import-cells."""

from pathlib import Path
from typing import Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import app, command, group
from orbicyte.cli.options import Encoding, RunArgument, StudyWithSlides

NoCrop = Annotated[
    bool,
    typer.Option("--no-crop", help="QuPath was started with --no-crop: it shows whole slides, not the scanned area."),
]
export_app = group("export", "Write files for other programs: 'export geojson STUDY', 'export onnx RUN', ...", __name__)


@command(export_app, "onnx")
def export_onnx_command(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="encoder.onnx in the run folder")
    ] = None,
) -> None:
    """Write the encoder of a run as one ONNX file: patches in, representations (and the pose, if any) out."""
    from orbicyte.stages.export_onnx import export_onnx

    typer.echo(str(export_onnx(run, out)))


@command(export_app, "geojson")
def export_geojson_command(
    study: StudyWithSlides,
    out: Annotated[Path | None, typer.Option(help="Folder for the files.", show_default="STUDY/geojson")] = None,
    gz: Annotated[bool, typer.Option("--gz", help="Compress the files: .geojson.gz.")] = False,
    annotations: Annotated[
        bool,
        typer.Option("--annotations", help="Write annotations, which can be edited in QuPath, instead of detections."),
    ] = False,
    no_crop: NoCrop = False,
) -> None:
    """Write the reviewed cells for QuPath: one file per slide."""
    from orbicyte.stages.export_geojson import export_geojson

    for path in export_geojson(study, out, compressed=gz, annotations=annotations, crop=not no_crop):
        typer.echo(str(path))


@command(export_app, "coco")
def export_coco_command(
    study: StudyWithSlides, out: Annotated[Path, typer.Option(help="The JSON file to write.")]
) -> None:
    """Write the reviewed cells of all slides as one COCO file: boxes, polygons, categories."""
    from orbicyte.stages.export_coco import export_coco

    typer.echo(str(export_coco(study, out)))


@command(export_app, "csv")
def export_csv_command(
    study: StudyWithSlides, out: Annotated[Path, typer.Option(help="The CSV file to write.")]
) -> None:
    """Write the reviewed cells of all slides as one table, without outlines."""
    from orbicyte.stages.export_csv import export_csv

    typer.echo(str(export_csv(study, out)))


@command(app, "import-cells")
def import_cells_command(
    study: StudyWithSlides,
    files: Annotated[
        list[Path],
        typer.Argument(help="GeoJSON files from QuPath, or label images (.tif, .png).", callback=paths.existing),
    ],
    slide: Annotated[str | None, typer.Option(help="Name of the slide.", show_default="the file's name")] = None,
    reader: Annotated[
        str | None,
        typer.Option(help="Name of the reader who made these decisions.", show_default="a reader named after the file"),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Reject the cells that are not in the file.")] = False,
    label_property: Annotated[
        str | None, typer.Option(help="Property with the labels of a GeoJSON file.", show_default="classification")
    ] = None,
    encoding: Encoding = None,
    background: Annotated[
        int | None, typer.Option(help="Value outside cells in a label image.", show_default="0")
    ] = None,
    no_crop: NoCrop = False,
) -> None:
    """Import edits from QuPath, or the cells of a label image, as decisions of a reader."""
    from orbicyte.stages.import_cells import import_cells

    import_cells(
        study,
        files,
        slide=slide,
        reader=reader,
        delete=delete,
        label_property=label_property,
        encoding=encoding,
        background=background,
        crop=not no_crop,
    )
