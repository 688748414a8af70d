"""Ablations: arms that differ in one thing, trained and asked alike, so that their grades tell what it is worth."""
