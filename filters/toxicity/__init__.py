"""A small judge of toxicity: its numbers, how they were learnt, and what they are worth (CARD.md)."""
