"""A run: a plan in, a set and its ledger out."""
