"""Train on curated sets through TRL."""
