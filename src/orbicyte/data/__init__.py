"""Patches: import, storage, folds, and the rotated views that networks see."""
