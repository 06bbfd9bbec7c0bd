"""The shops of a stack: each one's settings, as rows of the state table."""
