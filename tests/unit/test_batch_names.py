"""Names in a batch: each unlike every other, fit for every file system, and with its ending whole."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.batches.names import Names, fill_stem, fold_name
from exporters.file_names import LONGEST_STEM, as_template, fill_template, fit_stem

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
few = st.lists(
    st.sampled_from(
        ["x", "X", "x-2", "x-3", "x-2-2", "ß", "SS", "é", "e\u0301", "", "con", "y" * 200, "æ" * 90]
    ),
    max_size=12,
)


def give_all(stems: Sequence[str], ending: str = "") -> list[str]:
    names = Names([])
    return [names.give(stem, ending) for stem in stems]


@pytest.mark.parametrize(
    ("stems", "given"),
    [
        (["x", "x", "x"], ["x", "x-2", "x-3"]),
        (["x", "X", "x"], ["x", "X-2", "x-3"]),
        (["x-2", "x", "x"], ["x-2", "x", "x-3"]),
        (["x", "x", "x-2"], ["x", "x-2", "x-2-2"]),
        (["é", "e\u0301"], ["é", "é-2"]),
        (["a/b", "a_b", "a:b"], ["a_b", "a_b-2", "a_b-3"]),
        (["", " . "], ["_", "_-2"]),
        (["y" * 200] * 2, ["y" * 150, "y" * 148 + "-2"]),
    ],
)
def test_equal_names_are_numbered(stems: list[str], given: list[str]) -> None:
    assert give_all(stems) == given


def test_the_ending_is_whole_however_long_the_name(  # and stands before the number
) -> None:
    assert give_all(["æ" * 200] * 2, "#error") == ["æ" * 72 + "#error", "æ" * 71 + "#error-2"]
    device = "con." + "x" * 200
    assert give_all([device] * 2, "#error") == [f"_con.{'x' * 139}#error", f"_con.{'x' * 137}#error-2"]


def test_a_long_name_that_windows_keeps_for_itself_stays_within_its_length() -> None:
    assert fit_stem("con." + "x" * 200) == "_con." + "x" * 145
    assert fit_stem("con" + " " * 200 + "x") == "_con"


@given(
    st.lists(
        st.tuples(st.one_of(anything, st.sampled_from(["x", "X", "x-2"])), st.sampled_from(["", "#error"]))
    )
)
def test_no_two_names_are_one_on_any_file_system(asked: list[tuple[str, str]]) -> None:
    names = Names([])
    found = [names.give(stem, ending) for stem, ending in asked]
    assert len({fold_name(name) for name in found}) == len(found)
    for name, (_, ending) in zip(found, asked, strict=True):
        assert 0 < len(name.encode()) <= LONGEST_STEM
        assert ending in name
        assert fit_stem(name) == name


@given(few, few)
def test_names_that_are_there_already_are_not_given_again(first: list[str], second: list[str]) -> None:
    before = give_all(first)
    names = Names(map(fold_name, before))
    found = before + [names.give(stem) for stem in second]
    assert len({fold_name(name) for name in found}) == len(found)


@given(anything, st.integers() | st.none())
def test_a_job_makes_a_file_of_exactly_the_name(value: str, number: int | None) -> None:
    """Braces in a workshop's name are no variables: not when it is filled in, and not in the file's name."""
    [name] = give_all([fill_stem("{name}-{cvr}", {"name": value, "cvr": "7", "type": "T"}, number)])
    assert (
        fill_template(as_template(name), {"name": "other", "type": "T", "cvr": "8"}, "pdf") == f"{name}.pdf"
    )


def test_the_customers_number_comes_first_and_values_are_not_templates() -> None:
    values = {"name": "Bil {cvr} {x} }{ AS", "cvr": "11223344", "balanceday": None}
    assert fill_stem("{cvr}-{name}{balanceday}", values, 77) == "77-11223344-Bil {cvr} {x} }{ AS"
    assert fill_stem("a/b", {}, None) == "a_b"
