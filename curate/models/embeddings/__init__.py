"""Texts as vectors: one model a call, each text embedded once ever, as quantised vectors."""

from curate.models.embeddings.embedding import Embedded, embed, embedded
from curate.models.store import StoreError
from curate.models.weights import EMBEDDING as DEFAULT
from curate.models.weights import ModelError

__all__ = ["DEFAULT", "Embedded", "ModelError", "StoreError", "embed", "embedded"]
