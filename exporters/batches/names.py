"""The names of a batch's reports: filled from its template, and each unlike every other."""

import unicodedata
from collections.abc import Iterable, Mapping

from exporters.file_names import LONGEST_STEM, fill_variables, fit_stem


def fill_stem(template: str, values: Mapping[str, object], internal_customer_id: int | None) -> str:
    """The name that a report has by itself: the customer's number, the filled template, made fit.

    Braces in a value stay as they are: only the template's own are variables.
    """
    filled = fill_variables(template, values)
    return fit_stem(filled if internal_customer_id is None else f"{internal_customer_id}-{filled}")


def fold_name(name: str) -> str:
    """Alike for names that a file system may take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Names:
    """Gives names of one batch: the second equal one becomes `…-2`, the third `…-3`."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        """Folded."""
        self._next: dict[str, int] = {}

    def give(self, stem: str, ending: str = "") -> str:
        """The stem with the ending, or with what else tells it from all names that were given.

        The ending, and the number, are there whole however long the stem is.
        """
        wanted = name = _join(stem, ending)
        key = fold_name(wanted)
        number = self._next.get(key, 2)
        while fold_name(name) in self._taken:
            name = _join(stem, f"{ending}-{number}")
            number += 1
        self._next[key] = number
        self._taken.add(fold_name(name))
        return name


def _join(stem: str, ending: str) -> str:
    return fit_stem(fit_stem(stem, LONGEST_STEM - len(ending.encode())) + ending)
