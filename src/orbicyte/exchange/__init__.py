"""Cells to and from other programs: QuPath's GeoJSON, COCO, CSV; one format a file."""
