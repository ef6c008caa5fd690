"""CSV records: each is read as it stands, or set aside with its reason, and a stray quote costs one line."""

import csv
import io
import random
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.text_records import CsvRecords


class Read(NamedTuple):
    """What became of the records of one file."""

    columns: list[str]
    rows: list[tuple[str | None, ...]]
    rejected: list[tuple[int, str, str]]


def read(folder: Path, content: bytes, delimiter: str = ",") -> Read:
    path = folder / "in.csv"
    path.write_bytes(content)
    records = CsvRecords(path, "in.csv", delimiter)
    rows = [tuple(row.values()) for row in records.reader().read_all().to_pylist()]
    assert all(record.reason.startswith("unreadable record: ") for record in records.rejected)
    return Read(
        records.columns,
        rows,
        [(line, reason.partition(": ")[2], content) for line, reason, content in records.rejected],
    )


TWO = [("1", "x"), ("2", "y")]
OPEN = "a quote that is not closed within 1,000 lines"


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2,y\n",
        b"a,b\n1,x\n2,y",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"a,b\r1,x\r2,y\r",
        b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n",
        b'\xef\xbb\xbf"a","b"\n1,x\n2,y\n',
        b"a,b\r\n1,x\n2,y\n",
        b"a,b\n1,x\r\n2,y\n",
        b"a,b\n1,x\r\n2,y\r\n",
        b"a,b\r\n1,x\r\n2,y\n",
        b"a,b\n1,x\r2,y\r\n",
        b"a,b\n\n1,x\n\n\n2,y\n\n",
        b"a,b\r\n\r\n1,x\r\n2,y\r\n\r\n",
        b'"a",b\n"1","x"\n2,"y"\n',
    ],
)
def test_records_of_any_line_end_are_read(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == (["a", "b"], TWO, [])


def test_another_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, b'a;b\n1,5;"x;y"\n', ";").rows == [("1,5", "x;y")]
    assert read(tmp_path, b"a\tb\n1,5\tx y\n", "\t").rows == [("1,5", "x y")]


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    values = [
        "007",
        "1E10",
        " x ",
        "NULL",
        "true",
        "1.10",
        'say "hi"',
        "a\r\nb",
        "\x00",
        "=1+1",
        "é\u2028\x85",
    ]
    content = io.StringIO()
    csv.writer(content).writerows([["a", "b"], *([str(n), value] for n, value in enumerate(values))])
    assert [value for _, value in read(tmp_path, content.getvalue().encode()).rows] == values


def test_line_breaks_in_the_header(tmp_path: Path) -> None:
    found = read(tmp_path, b'a,"long\nname",b\r\n1,2,x\r\n9\r\n3,4,y\r\n')
    assert found.columns == ["a", "long\nname", "b"]
    assert found.rows == [("1", "2", "x"), ("3", "4", "y")]
    assert found.rejected == [(4, "too few fields", "9")]


def test_an_empty_field_is_null(tmp_path: Path) -> None:
    assert read(tmp_path, b'a,b\n1,\n2,""\n,x\n').rows == [("1", None), ("2", None), (None, "x")]


@pytest.mark.parametrize(
    ("record", "faults"),
    [
        (b"9", ["too few fields"]),
        (b"9,z,z", ["too many fields"]),
        (b"9,Bj\xf8rn", ["not UTF-8 text"]),
        (b"9,z,\xf8", ["not UTF-8 text"]),
        (b'9,"z"z', ["a quote out of place"]),
        (b'9,"z\nz" z', ["a quote out of place", "too few fields"]),
        (b'9,"z\n\nz",z,z', ["too many fields", None, "too many fields"]),
        (b'"9\nz"', ["too few fields", "too few fields"]),
        (b'9,"Bj\xf8rn\nz"z', ["not UTF-8 text", "too few fields"]),
        (b'9,"z\nBj\xf8rn"z', ["a quote out of place", "not UTF-8 text"]),
    ],
)
def test_the_lines_of_an_unreadable_record_are_set_aside_and_the_others_read(
    tmp_path: Path, record: bytes, faults: list[str | None]
) -> None:
    lines = record.decode(errors="replace").split("\n")
    expected = [
        (number, fault, line)
        for number, (line, fault) in enumerate(zip(lines, faults, strict=True), 3)
        if fault is not None
    ]
    for end in (b"\n", b"\r\n"):
        content = end.join([b"a,b", b"1,x", *record.split(b"\n"), b"2,y", b""])
        assert read(tmp_path, content) == (["a", "b"], TWO, expected)


def test_a_record_at_fault_only_for_its_bytes_is_set_aside_whole(tmp_path: Path) -> None:
    found = read(tmp_path, b'a,b\n1,x\n9,"Bj\xf8rn\n1,x"\n2,y\n')
    assert found == (["a", "b"], TWO, [(3, "not UTF-8 text", '9,"Bj\ufffdrn\n1,x"')])


@pytest.mark.parametrize("tail", [b'2,"y"\n', b"2,y\n", b"2,y"])
def test_a_stray_opening_quote_costs_its_line(tmp_path: Path, tail: bytes) -> None:
    """Whether another quote shows it up, or the lines a record may have, or the end of the file."""
    for below in (0, 1, 500, 998, 999, 1000, 2500):
        rows = [(str(number), "x") for number in range(below)]
        content = b'a,b\n1,x\n7,"stray\n' + b"".join(f"{a},{b}\n".encode() for a, b in rows) + tail
        found = read(tmp_path, content)
        assert found.rows == [TWO[0], *rows, TWO[1]]
        [(line, reason, text)] = found.rejected
        assert (line, text) == (3, '7,"stray')
        shown_up = tail.endswith(b'"\n') and below < 999
        assert reason == ("a quote out of place" if shown_up else OPEN)


def test_a_last_line_with_an_open_quote_is_set_aside(tmp_path: Path) -> None:
    assert read(tmp_path, b'a,b\r\n1,x\r\n2,y\r\n3,"z') == (["a", "b"], TWO, [(4, OPEN, '3,"z')])


def test_a_record_has_a_thousand_lines_at_most(tmp_path: Path) -> None:
    for sound in (0, 1, 600, 999):
        rows = b"1,x\n" * sound
        longest = b'5,"' + b"z\n" * 999 + b'z"\n'
        found = read(tmp_path, b"a,b\n" + rows + longest + b"2,y\n")
        assert found.rows == [TWO[0]] * sound + [("5", "z\n" * 999 + "z"), TWO[1]]
        assert found.rejected == []
        found = read(tmp_path, b"a,b\n" + rows + b'5,"z\n' + longest[3:] + b"2,y\n")
        assert found.rows == [TWO[0]] * sound + [TWO[1]]
        assert found.rejected[0] == (sound + 2, OPEN, '5,"z')
        assert [line for line, _, _ in found.rejected] == list(range(sound + 2, sound + 1003))


def test_a_line_number_counts_the_lines_of_quoted_values(tmp_path: Path) -> None:
    found = read(tmp_path, b'a,b\n1,"x\ny\nz"\n\nbroken\n2,y\nagain\n')
    assert [line for line, _, _ in found.rejected] == [6, 8]


def test_long_quoted_values_that_look_like_records_are_values(tmp_path: Path) -> None:
    """Several megabytes of what would be rows, quoted: a reader that starts in the middle would take them."""
    lookalike = f"1,{'x' * 2000}\n" * 999
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["a", "b"])
    writer.writerows([str(number), lookalike if number % 20 == 5 else "v"] for number in range(60))
    found = read(tmp_path, content.getvalue().encode())
    assert [a for a, _ in found.rows] == [str(number) for number in range(60)]
    assert {b for _, b in found.rows} == {"v", lookalike}


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text('",;\n\r a', max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    # Below Python 3.13 a CR is quoted only when the line end has one too.
    dialect=st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_any_table_that_csv_writes_is_read_as_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    dialect: tuple[str, Any],
    delimiter: str,
    mark: bytes,
) -> None:
    width = data.draw(st.integers(1, 4))
    rows = data.draw(st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=8))
    names = [f"c{number}" for number in range(width)]
    text = io.StringIO()
    line_end, quoting = dialect
    csv.writer(text, lineterminator=line_end, delimiter=delimiter, quoting=quoting).writerows([names, *rows])
    found = read(tmp_path_factory.mktemp("csv"), mark + text.getvalue().encode(), delimiter)
    assert found == (names, [tuple(value or None for value in row) for row in rows], [])


def check_every_line(found: Read, lines: list[bytes]) -> None:
    """Each line that is not blank bears its number, as #7#, and is in a row or set aside: once, in order."""
    landed = [number for row in found.rows for number in numbers("".join(value or "" for value in row))]
    aside = [(line, numbers(content)) for line, _, content in found.rejected]
    set_aside = [number for _, inside in aside for number in inside]
    assert landed == sorted(landed)
    assert set_aside == sorted(set_aside)
    assert sorted(landed + set_aside) == [number for number, line in enumerate(lines, 2) if line]
    assert [line for line, _ in aside] == [inside[0] for _, inside in aside]


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall("#([0-9]+)#", text)]


PIECES = [b'"', b'"', b",", b"z", b" ", b'""', b'",', b',"', b"\xf8", b"\xc3\xa6"]
ENDS = [b"\n", b"\r\n", b"\r"]


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(
        st.none()
        | st.tuples(
            *[st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join)] * 2, st.sampled_from(ENDS)
        ),
        max_size=12,
    ),
    width=st.integers(1, 3),
)
def test_of_any_lines_each_is_in_a_record_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[bytes, bytes, bytes] | None], width: int
) -> None:
    whole = [
        (line[0] + b"#%d#" % number + line[1], line[2]) if line else (b"", b"\r\n")
        for number, line in enumerate(lines, 2)
    ]
    header = b",".join(b"c%d" % number for number in range(width))
    content = header + b"\n" + b"".join(text + end for text, end in whole)
    found = read(tmp_path_factory.mktemp("soup"), content)
    check_every_line(found, [text for text, _ in whole])


@pytest.mark.parametrize("seed", range(8))
def test_of_many_lines_each_is_in_a_record_or_set_aside(tmp_path: Path, seed: int) -> None:
    """Longer than what is read from the file at once, with quotes so rare that records run together."""
    draw = random.Random(seed)
    faults = [
        b'#%d#,"z',
        b'"#%d#",z',
        b'#%d#,"z"',
        b'#%d#,"z"z',
        b"#%d#",
        b"#%d#,\xf8",
        b'z","#%d#',
        b'#%d#"',
        b"",
    ]
    lines = [b"#%d#,z", *draw.sample(faults, 5)]
    weights = [draw.choice([20, 2000]), 1, 1, 1, 1, 1]
    texts = [
        text % number if text else b""
        for number, text in enumerate(draw.choices(lines, weights, k=12_000), 2)
    ]
    found = read(tmp_path, b"\n".join([b"a,b", *texts]))
    check_every_line(found, texts)
    assert found.rows
    assert found.rejected
