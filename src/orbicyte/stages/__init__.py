"""The stages, one file each: each reads files, writes files, can be run again, and continues where it stopped."""
