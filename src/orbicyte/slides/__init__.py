"""Whole-slide images: listing, checking and reading them, and cutting patches from them."""
