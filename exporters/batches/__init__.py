"""Batches: many reports asked for at once, followed, delivered one by one and together."""
