"""Finding cells: the U-Net, the watershed after it, tiles of a slide, training, and how well it does."""
