"""Blind votes: one page that a person votes on without a network, and what the votes say of the models."""

from curate.evaluate.vote.make import VoteError as VoteError
from curate.evaluate.vote.make import make as make
from curate.evaluate.vote.read import read as read

__all__ = ["VoteError", "make", "read"]
