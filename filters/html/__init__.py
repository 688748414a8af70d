"""HTML to Markdown: one scanner, which runs interpreted on little text and compiled on much."""
