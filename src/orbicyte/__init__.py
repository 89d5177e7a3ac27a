"""Representations of single cells that do not depend on how the cell happens to lie."""
