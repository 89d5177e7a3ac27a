"""Whole-slide images: opening and reading them, what a study knows of each, and the cells found on them."""
