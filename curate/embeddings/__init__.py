"""Texts as vectors: one model a call, each text embedded once ever, on the lattice of `curate.lattice`."""

from curate.embeddings.embedding import Embedded, embed, embedded
from curate.embeddings.models import DEFAULT, ModelError
from curate.embeddings.store import StoreError

__all__ = ["DEFAULT", "Embedded", "ModelError", "StoreError", "embed", "embedded"]
