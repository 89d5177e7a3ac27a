"""Cell detection: the U-Net, the watershed after it, tiles of a slide, training, and evaluation."""
