"""What Alembic runs: the revisions, within the transaction that `upgrade` began."""

from alembic import context

from exporters.database.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
