"""Writing many rows in one transaction keeps them all."""

from pathlib import Path

from warehouse.database import connect, insert_rows

MANY = 200_000


def test_rows_that_follow_an_empty_insert_in_one_transaction_are_kept(tmp_path: Path) -> None:
    """DuckDB 2.0.0 loses them where the insert is a plain one: joined rows come in no order."""
    connection = connect(tmp_path / "w.duckdb")
    connection.execute(f"CREATE TABLE numbers AS SELECT range AS number FROM range({MANY})")
    connection.execute("CREATE TABLE kept (number BIGINT, name VARCHAR)")
    nothing = "SELECT number, 'none' AS name FROM numbers WHERE number < 0"
    joined = "SELECT a.number, 'row ' || b.number AS name FROM numbers AS a JOIN numbers AS b USING (number)"
    connection.execute("BEGIN")
    assert insert_rows(connection, "kept", nothing) == 0
    assert insert_rows(connection, "kept", f"{joined} WHERE a.number < $most", {"most": MANY}) == MANY
    connection.execute("COMMIT")
    connection.close()
    connection = connect(tmp_path / "w.duckdb", read_only=True)
    counted = connection.execute("SELECT count(*), count(DISTINCT number), count(name) FROM kept").fetchall()
    connection.close()
    assert counted == [(MANY, MANY, MANY)]
