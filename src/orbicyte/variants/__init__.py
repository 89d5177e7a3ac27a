"""The networks, one file each; the file's name is the network's name.

A file defines ``variant(network: NetworkSettings, rotation_weight: float) -> Variant``.
"""

KIND = "networks"
"""The name of these plug-ins in messages."""
