"""Benchmarks: the night measured beside a script that a good engineer would write by hand."""
