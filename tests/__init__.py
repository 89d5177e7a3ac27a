"""Tests of orbicyte; a package, as some installed packages bring a top-level ``tests`` of their own."""
