"""The networks: poses, encoders, decoders, the VAE that joins them, and its loss."""
