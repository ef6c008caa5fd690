"""Models: headers are read strictly, faults are named, the order follows the SQL, and what ships holds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlglot
from sqlglot import ErrorLevel

from tests.small_warehouse import ROOT, SmallWarehouse
from warehouse.errors import ModelError
from warehouse.front_matter import SQL_ROOT, read_tables
from warehouse.models import EntityHeader, Model, StagingHeader, dependencies, load_models
from warehouse.sources import load_sources

ENTITY = """/*
description = "Things."
key = ["source", "thing_id"]
sort = ["thing_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source." }
thing_id = { type = "VARCHAR", required = true, description = "Id." }
*/
select t.*, cast(null as varchar) as reason from typed_things as t
"""
STAGING = """/*
description = "Things of the source."

[columns]
thing_id = { type = "VARCHAR" }
*/
select id as thing_id from raw_shop__things
"""
MART = """/*
description = "Counted things."
key = ["things"]
sort = ["things"]

[columns]
things = { type = "BIGINT", description = "How many." }
*/
select count(*) as things from things
"""


@pytest.fixture
def sql(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small tree of models; a keyword such as entities__things replaces or adds a file."""

    def write(**files: str) -> Path:
        tree = {
            "entities__things": ENTITY,
            "staging__stg_shop__things": STAGING,
            "marts__thing_counts": MART,
        }
        for name, text in (tree | files).items():
            layer, _, stem = name.partition("__")
            path = tmp_path / layer / f"{stem}.sql"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def refuse(root: Path, *words: str) -> None:
    with pytest.raises(ModelError) as raised:
        load_models(["shop"], root)
    for word in words:
        assert word in str(raised.value)


def test_models_come_after_what_they_read(sql: Callable[..., Path]) -> None:
    models = load_models(["shop"], sql())
    assert list(models) == ["stg_shop__things", "things", "thing_counts"]
    assert dependencies(models["things"], models) == {"stg_shop__things"}
    assert dependencies(models["thing_counts"], models) == {"things"}
    assert models["stg_shop__things"].reads == {"raw_shop__things"}


def test_only_the_staging_of_the_named_sources_is_loaded(sql: Callable[..., Path]) -> None:
    assert list(load_models([], sql())) == ["things", "thing_counts"]


def test_windows_line_ends_and_a_semicolon_are_no_fault(sql: Callable[..., Path]) -> None:
    root = sql()
    path = root / "marts" / "thing_counts.sql"
    path.write_bytes(MART.replace("from things", "from things;").replace("\n", "\r\n").encode())
    assert load_models(["shop"], root)["thing_counts"].sql == "select count(*) as things from things"


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("select * from a join b on a.x = b.x", {"a", "b"}),
        ("with a as (select * from b) select * from a", {"b"}),
        ("with a as (select * from b), c as (select * from a) select * from c", {"b"}),
        ("with a as (select * from a) select * from a", {"a"}),
        ("select * from b where x in (with a as (select 1 as x) select x from a)", {"b"}),
        ("select (select max(x) from a) as m union all select 1 from b", {"a", "b"}),
        ("select * from a where exists (select 1 from b where b.x = a.x)", {"a", "b"}),
        ("select 1 as one", set()),
        ("select 'from z' as text -- from y\nfrom a /* from x */", {"a"}),
        ("with recursive r as (select x from a union all select x from r) select * from r", {"a"}),
    ],
)
def test_dependencies_are_what_the_query_reads(query: str, tables: set[str]) -> None:
    assert read_tables("x.sql", query) == tables


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MART.replace('key = ["things"]', 'kee = ["things"]'), ["thing_counts.sql", "kee", "Extra inputs"]),
        (MART.replace("type =", "typ ="), ["thing_counts.sql", "columns.things.typ"]),
        (MART.replace('sort = ["things"]\n', ""), ["thing_counts.sql", "sort", "required"]),
        (MART.replace('sort = ["things"]', 'sort = "things"'), ["thing_counts.sql", "sort", "list"]),
        (MART.removeprefix("/*"), ["thing_counts.sql", "must begin with a /*"]),
        ("select 1", ["thing_counts.sql", "must begin with a /*"]),
        ("", ["thing_counts.sql", "must begin with a /*"]),
        (MART.replace('key = ["things"]', 'key = ["things"'), ["thing_counts.sql", "not TOML"]),
        (MART.replace("from things", "from things; select 2"), ["thing_counts.sql", "exactly one query"]),
        (
            MART.replace("select count(*) as things from things", ""),
            ["thing_counts.sql", "exactly one query"],
        ),
        (MART.replace("select count(*) as things from things", "drop table things"), ["exactly one query"]),
        (MART.replace("from things", "form things where"), ["thing_counts.sql", "does not parse"]),
    ],
)
def test_a_fault_in_a_file_is_named_with_the_file(
    sql: Callable[..., Path], text: str, words: list[str]
) -> None:
    assert text != MART
    refuse(sql(marts__thing_counts=text), *words)


def test_models_that_read_each_other_in_a_circle_are_refused(sql: Callable[..., Path]) -> None:
    ring = {
        "marts__one": MART.replace("from things", "from two"),
        "marts__two": MART.replace("from things", "from one"),
    }
    refuse(sql(**ring), "circle", "one", "two", "->")


def test_an_entity_that_reads_what_is_built_from_it_is_refused(sql: Callable[..., Path]) -> None:
    reading = ENTITY.replace("from typed_things as t", "from typed_things as t, thing_counts")
    refuse(sql(entities__things=reading), "circle", "things", "thing_counts")


def test_names_are_taken_once(sql: Callable[..., Path]) -> None:
    refuse(sql(marts__things=MART), "marts/things.sql", "entities has a model of this name already")


def test_a_staging_column_that_the_entity_does_not_take_is_refused(sql: Callable[..., Path]) -> None:
    extra = STAGING.replace(
        "[columns]", '[columns]\nsource = { type = "VARCHAR" }\ncolour = { type = "VARCHAR" }'
    )
    refuse(sql(staging__stg_shop__things=extra), "stg_shop__things.sql", "takes no column colour, source")


def test_a_staging_model_of_no_entity_is_refused(sql: Callable[..., Path]) -> None:
    refuse(sql(staging__stg_shop__thongs=STAGING), "stg_shop__thongs.sql", "no entity 'thongs'")
    refuse(sql(staging__stg_shop__thing_counts=STAGING), "no entity 'thing_counts'")


@pytest.mark.parametrize("name", ["shop__things", "stg_shop_things", "things_of_shop"])
def test_a_staging_model_of_another_name_is_not_passed_over(sql: Callable[..., Path], name: str) -> None:
    root = sql()
    (root / "staging" / f"{name}.sql").write_text(STAGING, encoding="utf-8")
    refuse(root, name, "stg_<source>__<entity>.sql")


def build_with(tmp_path: Path, model: str, *replacements: tuple[str, str]) -> None:
    """Build the sample warehouse with texts of one shipped model replaced."""
    shutil.copytree(SQL_ROOT, tmp_path / "sql")
    [path] = (tmp_path / "sql").rglob(f"{model}.sql")
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    warehouse = SmallWarehouse(tmp_path, sql_root=tmp_path / "sql")
    warehouse.write_sample()
    with warehouse.open() as build:
        warehouse.build_all(build)


@pytest.mark.parametrize(
    ("model", "old", "new", "message"),
    [
        (
            "booking_days",
            "count(*) as bookings",
            "cast(count(*) as integer) as bookings",
            "marts/booking_days.sql: built columns differ from the header: "
            "bookings: declared BIGINT, built INTEGER",
        ),
        (
            "booking_days",
            "count(*) as bookings",
            "count(*) as boookings",
            "boookings: declared nothing, built",
        ),
        (
            "rating_days",
            ", sum(rating) as rating_sum",
            "",
            "rating_sum: declared DECIMAL(38,1), built nothing",
        ),
        (
            "rating_days",
            ", sum(rating) as rating_sum",
            ", sum(rated) as rating_sum",
            "rating_days.sql: Binder",
        ),
        (
            "stg_sample__categories",
            "_row\nfrom",
            "_row, 1 as more\nfrom",
            "more: declared nothing, built INTEGER",
        ),
        ("stg_sample__categories", "id as category_id", "idd as category_id", "stg_sample__categories.sql: "),
        (
            "stg_sample__categories",
            'name = { type = "VARCHAR" }\n',
            "",
            "stg_sample__categories.sql: built columns differ from the header: name: declared nothing",
        ),
    ],
)
def test_built_columns_are_the_declared_ones(
    tmp_path: Path, model: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(ModelError) as raised:
        build_with(tmp_path, model, (old, new))
    assert message in str(raised.value)


def test_a_required_column_that_no_staging_delivers_is_named(tmp_path: Path) -> None:
    name = ('name = { type = "VARCHAR" }\n', "")
    with pytest.raises(ModelError, match="categories: no staging model of it delivers the column 'name'"):
        build_with(tmp_path, "stg_sample__categories", name, ("category_id, name", "category_id"))


DECLARED = ["sample", "olist", "openrepair"]


@pytest.mark.parametrize("sources", [[name] for name in DECLARED] + [DECLARED])
def test_shipped_models_load_for_each_source_alone_and_for_all(sources: list[str]) -> None:
    declared = load_sources(ROOT / "sources.toml", sources)
    models = load_models(declared, SQL_ROOT)
    seen: set[str] = set()
    for name, model in models.items():
        assert dependencies(model, models) <= seen, f"{name} comes before what it reads"
        seen.add(name)
        if model.layer == "staging":
            assert model.source in sources
            delivered = {f"raw_{model.source}__{entity}" for entity in declared[model.source].entities}
            assert model.reads <= delivered | {"sources"}, f"{name} reads what its source does not deliver"


@pytest.fixture(scope="module")
def shipped() -> dict[str, Model]:
    return load_models(DECLARED)


def test_every_published_column_and_table_is_described(shipped: dict[str, Model]) -> None:
    bare = [
        f"{name}.{column}"
        for name, model in shipped.items()
        if not isinstance(model.header, StagingHeader)
        for column, declared in model.header.columns.items()
        if not declared.description.strip()
    ]
    assert bare == []
    assert [name for name, model in shipped.items() if not model.header.description.strip()] == []


def test_keys_and_orders_are_columns_and_previews_show_nobody(shipped: dict[str, Model]) -> None:
    for name, model in shipped.items():
        columns = model.header.columns
        if not isinstance(model.header, StagingHeader):
            assert set(model.header.key) | set(model.header.sort) <= set(columns), name
        if isinstance(model.header, EntityHeader):
            assert not columns["source"].personal
        for column in ("customer_name", "registration_number", "notes", "message"):
            assert column not in model.shown_columns, f"{name} shows {column}"


def test_shipped_models_can_be_carried_to_spark(shipped: dict[str, Model]) -> None:
    for name, model in shipped.items():
        [carried] = sqlglot.transpile(
            model.sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE
        )
        assert sqlglot.parse_one(carried, dialect="spark"), name
