"""Fixtures of the whole suite: the servers, and warehouses built once from each source."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.s3_server", "tests.pg_server", "tests.built", "tests.event_books", "tests.records"]

# The same examples each time, however slow the machine is: what fails is of the change.
# `--hypothesis-profile=default` draws others.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
