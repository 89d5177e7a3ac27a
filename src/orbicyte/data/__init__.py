"""Patches in, turned views out."""
