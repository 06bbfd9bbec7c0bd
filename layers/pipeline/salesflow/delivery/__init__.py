"""Delivery: save what was made, check what was saved, then tell who should know."""
