"""A recipe: YAML in, a checked plan out, with every problem at its line."""
