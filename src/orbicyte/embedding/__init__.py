"""A trained network ready to use: patches in, representations out, in memory or in a file."""

from orbicyte.embedding.embedder import Embedder, Embedding, joined, load

__all__ = ["Embedder", "Embedding", "joined", "load"]
