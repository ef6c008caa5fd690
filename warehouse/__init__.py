"""The DuckDB file: land raw rows, build models beside, check, publish a generation, read it."""
