"""A trained network ready to use: patches in, representations out, in memory or in a file."""

from orbicyte.embedding.embedder import Embedder, Embedding, in_chunks, joined, load

__all__ = ["Embedder", "Embedding", "in_chunks", "joined", "load"]
