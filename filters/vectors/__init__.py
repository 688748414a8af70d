"""The loops behind choosing by vectors: nearest neighbours, farthest first, covering."""
