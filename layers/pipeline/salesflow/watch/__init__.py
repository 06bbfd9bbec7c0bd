"""Watching: did every schedule really do its work, what is the trouble where it did not, and what the owner is told of it."""
