"""`reports keys create --plan`: the plan is one of the setting's, and is kept with the key."""

from exporters.access import AccessOptions
from exporters.access.door import Access
from exporters.database import open_database
from settings import load_settings
from tests.command_line import WORKSHOP, Cli


def test_a_key_carries_its_plan(cli: Cli) -> None:
    plain = cli.ask("keys", "create", "--workshop", WORKSHOP)
    made = cli.ask("keys", "create", "--workshop", WORKSHOP, "--plan", "professional")
    assert (plain["record"]["plan"], made["record"]["plan"]) == (None, "professional")
    assert [key["plan"] for key in cli.ask("keys", "list")["items"]] == ["professional", None]
    settings = load_settings()
    options: AccessOptions = settings.access
    database = open_database(settings.jobs_database)
    access = Access(database, options, members=lambda _: frozenset())
    try:
        assert access.identify(made["key"]).plan == "professional"
        assert access.identify(plain["key"]).plan is None
    finally:
        access.close()
        database.close()


def test_a_plan_that_is_not_there_is_refused(cli: Cli) -> None:
    answer = cli("keys", "create", "--workshop", WORKSHOP, "--plan", "gold", "--json")
    assert (answer.code, answer.error["code"]) == (2, "VALIDATION_ERROR")
    assert "standard, professional, enterprise" in answer.error["message"]
    cli.set("PLANS", "gold=10")
    assert cli.ask("keys", "create", "--workshop", WORKSHOP, "--plan", "gold")["record"]["plan"] == "gold"
