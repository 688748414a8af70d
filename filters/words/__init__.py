"""Texts as words: patterns, wordings, runs of words, benchmarks."""
