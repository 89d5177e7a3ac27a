"""Cells to and from other programs: QuPath's GeoJSON, label images, COCO, CSV; one format per module."""
