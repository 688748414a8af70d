"""Texts as vectors: one model a call, each text embedded once ever, as quantised vectors."""

from curate.models.embeddings.embedding import Embedded, embed, embedded
from curate.models.embeddings.models import DEFAULT, ModelError
from curate.models.embeddings.store import StoreError

__all__ = ["DEFAULT", "Embedded", "ModelError", "StoreError", "embed", "embedded"]
