"""File names: what templates may hold, and that every name fits every file system and header."""

import re
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.file_names import (
    DEFAULT_TEMPLATE,
    VARIABLES,
    TemplateError,
    check_template,
    content_disposition,
    fill_template,
)


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        (DEFAULT_TEMPLATE, {"type": "bookings", "date_from": "2026-01-01", "date_to": "all"},
         "minbil-bookings-2026-01-01-all.pdf"),
        ("{cvr}-{name}-{rundate}", {"cvr": 11223344, "name": "Demo ApS", "rundate": "2026-04-01"},
         "11223344-Demo ApS-2026-04-01.pdf"),
        ("{name}{balanceday}", {"name": "Bjørns Bil"}, "Bjørns Bil.pdf"),
        ("{name}", {"name": "../../etc/passwd"}, "_.._etc_passwd.pdf"),
        ("{name}", {"name": "a\\b:c*d?e\"f<g>h|i\0j\nk"}, "a_b_c_d_e_f_g_h_i_j_k.pdf"),
        ("{name}", {"name": "exe.\u202efdp"}, "exe._fdp.pdf"),
        ("{name}", {"name": "{type}"}, "{type}.pdf"),
        ("{name}", {"name": "con"}, "_con.pdf"),
        ("{name}", {"name": "LPT1.x"}, "_LPT1.x.pdf"),
        ("{name}", {"name": " . "}, "_.pdf"),
        ("{name}", {"name": "漢字" * 100}, "漢字" * 25 + ".pdf"),
        ("{name}", {"name": "a\u00a0b\u3000c\u2028d"}, "a b c d.pdf"),
    ],
)  # fmt: skip
def test_a_template_is_filled(template: str, values: dict[str, object], name: str) -> None:
    assert fill_template(check_template(template), values, "pdf") == name


@pytest.mark.parametrize("template", ["", "  ", "{secret}", "{name", "name}", "{}", "{{name}}", "x" * 201])
def test_other_templates_are_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="name template"):
        check_template(template)


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(name=anything, type_=anything)
def test_any_value_gives_a_name_that_fits(name: str, type_: str) -> None:
    found = fill_template("{name}{type}", {"name": name, "type": type_}, "csv.gz")
    stem = found.removesuffix(".csv.gz")
    assert stem == stem.strip(" .") != ""
    assert len(found.encode()) < 200
    assert not re.search(r'[\x00-\x1f\x7f\\/:*?"<>|\u200e\u202a-\u202e\u2066-\u2069]', found)


@given(anything.map(lambda text: fill_template("{name}", {"name": text}, "pdf")))
def test_any_name_is_read_from_the_header_as_it_is(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    plain, _, encoded = header.partition("; filename*=UTF-8''")
    assert unquote(encoded) == name
    assert re.fullmatch(r'attachment; filename="[^"\\]*"', plain)
    # Another reader of such headers.
    message = Message()
    message["Content-Disposition"] = f"attachment; filename*=UTF-8''{encoded}"
    assert message.get_filename() == name


def test_the_variables_of_report_batches_are_there() -> None:
    assert {"name", "balanceday", "cvr", "type", "rundate"} <= VARIABLES


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Bjørns æble.pdf", "Bjorns aeble.pdf"),
        ("．．／．．／etc.pdf", "report.._.._etc.pdf"),
        ("℀.pdf", "a_c.pdf"),
        ("日本.pdf", "report.pdf"),
    ],
)
def test_the_plain_name_is_a_name_too(name: str, plain: str) -> None:
    assert f'filename="{plain}"' in content_disposition(name)
