"""Fixtures of the whole suite: the servers, and warehouses built once from each source."""

pytest_plugins = ["tests.s3_server", "tests.pg_server", "tests.built", "tests.event_books", "tests.records"]
