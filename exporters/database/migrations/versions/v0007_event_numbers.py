"""Numbers of events are never used twice, so that a reader who goes on from one misses none."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # PostgreSQL's sequences never go back; SQLite takes the largest number that is left unless told.
    if op.get_bind().dialect.name == "sqlite":
        kept = {"sqlite_autoincrement": True}
        with op.batch_alter_table("job_events", recreate="always", table_kwargs=kept):
            pass
