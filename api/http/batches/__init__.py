"""Batches of reports, over HTTP."""
