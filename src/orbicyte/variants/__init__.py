"""The networks, one file each; the file's name is the network's name.

A file defines ``variant(network: NetworkSettings, rotation_weight: float) -> Variant``. A network reads its settings
while it is built and keeps none: what is not read then is taken to be of no effect (``training/unused_settings.py``).
"""

KIND = "networks"
"""The name of these plug-ins in messages."""
