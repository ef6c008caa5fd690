"""The door to report definitions: made, changed, tried out and sent by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from exporters.catalogue import ReportType, write_filters
from exporters.definitions.arguments import Meaning, Pair, check_pair, read_arguments
from exporters.definitions.back_test import BackTest, back_test
from exporters.definitions.drafts import (
    Draft,
    change_draft,
    check_draft,
    check_interval,
    check_values,
    find_type,
)
from exporters.definitions.errors import DefinitionChanged, DefinitionError
from exporters.definitions.reading import Whose
from exporters.definitions.records import Definition, Fire
from exporters.definitions.rehearsal import Rehearsed, rehearse
from exporters.definitions.states import FireKind
from exporters.definitions.store import Beside, DefinitionStore
from exporters.definitions.timing import Timing, period_before
from exporters.exports import Exports
from exporters.report_types import CompanyType, company_types
from warehouse.figures import find_workshop
from warehouse.generations import Snapshot

_TRIES = 5
"""Of a change that others get in the way of."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Download:
    """What a report that is downloaded at once consists of."""

    report: ReportType
    filters: Mapping[str, Any]
    """With the period; as JSON values."""
    language: str | None
    """None: the installation's."""


class Definitions:
    """Report definitions of workshops. Safe to share between threads.

    Where `whose` names workshops, a definition of another one does not exist. Any call may raise
    DatabaseUnavailable. `beside` writes what goes with a change, in one transaction with it.
    """

    def __init__(self, exports: Exports, store: DefinitionStore) -> None:
        self.store = store
        self.types: Mapping[str, CompanyType] = company_types(exports.catalogue)
        self._exports = exports

    def create(self, workshop_id: str, draft: Draft, *, beside: Beside | None = None) -> Definition:
        """Record a definition for the workshop.

        Raises:
            DefinitionError: something of it cannot be.
            UnknownWorkshopError, NoGenerationError: the served data has no such workshop.
        """
        with self._exports.snapshots.open() as snapshot:
            plain = check_draft(draft, self.types, snapshot, workshop_id)
        return self.store.create(workshop_id, plain, beside)

    def get(self, definition_id: str, whose: Whose = None) -> Definition:
        """The definition.

        Raises:
            DefinitionNotFound: there is none.
        """
        return self.store.get(definition_id, whose)

    def list(self, whose: Whose = None, limit: int = 20, offset: int = 0) -> tuple[int, Sequence[Definition]]:
        """How many definitions there are, and at most `limit` of them, the oldest first, after `offset`."""
        return self.store.list(whose, limit, offset)

    def update(
        self, definition_id: str, whose: Whose, changes: Mapping[str, Any], *, beside: Beside | None = None
    ) -> Definition:
        """Change fields of `drafts.Draft`, all but its type and its arguments.

        Raises:
            DefinitionError: something cannot be changed, or not so.
            DefinitionNotFound: there is none.
        """

        def change(before: Definition) -> Definition:
            draft = change_draft(before, changes)
            with self._exports.snapshots.open() as snapshot:
                plain = check_draft(draft, self.types, snapshot, before.workshop_id)
            return self.store.update(before, plain, beside)

        return self._again(definition_id, whose, change)

    def delete(self, definition_id: str, whose: Whose = None, *, beside: Beside | None = None) -> None:
        """Remove a definition. What was sent stays on record; what is under way is not sent.

        Raises:
            DefinitionNotFound: there is none.
        """
        self.store.delete(definition_id, whose, beside)

    def add_argument(
        self, definition_id: str, whose: Whose, key: str, value: object, *, beside: Beside | None = None
    ) -> str:
        """Give the definition another argument; returns the argument's id. Raises as `update` does."""

        def add(before: Definition) -> str:
            pair = self._checked(before, key, value, leaving=None)
            return self.store.add_argument(before, pair, beside)

        return self._again(definition_id, whose, add)

    def change_argument(
        self,
        definition_id: str,
        whose: Whose,
        argument_id: str,
        key: str,
        value: object,
        *,
        beside: Beside | None = None,
    ) -> None:
        """Change an argument.

        Raises:
            ArgumentNotFound: the definition has no such argument; else as `update`.
        """

        def change(before: Definition) -> None:
            pair = self._checked(before, key, value, leaving=argument_id)
            self.store.change_argument(before, argument_id, pair, beside)

        self._again(definition_id, whose, change)

    def remove_argument(
        self, definition_id: str, whose: Whose, argument_id: str, *, beside: Beside | None = None
    ) -> None:
        """Remove an argument; one that is needed stays. Raises as `change_argument` does."""

        def remove(before: Definition) -> None:
            left = [(one.key, one.value) for one in before.arguments if one.argument_id != argument_id]
            read_arguments(find_type(self.types, before.type_id), left)
            self.store.remove_argument(before, argument_id, beside)

        self._again(definition_id, whose, remove)

    def send(self, definition_id: str, whose: Whose, actor: str, *, beside: Beside | None = None) -> Fire:
        """Send the definition to all its recipients, active or not, whatever its condition; the period is the
        last complete one. `only_when_data` holds.

        Raises:
            DefinitionNotFound: there is none.
        """
        return self._send(self.store.get(definition_id, whose), FireKind.BY_HAND, actor, beside)

    def send_test(
        self, definition_id: str, whose: Whose, actor: str, *, beside: Beside | None = None
    ) -> Fire:
        """Send the definition to its owner alone, whatever its condition, also without rows.

        Raises:
            DefinitionNotFound: there is none.
            DefinitionError: it has no owner.
        """
        definition = self.store.get(definition_id, whose)
        if definition.owner is None:
            raise DefinitionError("owner", "a test is sent to the owner: the definition has none, name one")
        return self._send(definition, FireKind.TEST, actor, beside)

    def fires(
        self, definition_id: str, whose: Whose = None, limit: int = 20, before: int | None = None
    ) -> Sequence[Fire]:
        """The definition's fires, the newest first; `before` is the last one of the page before.

        Raises:
            DefinitionNotFound: there is none.
        """
        self.store.get(definition_id, whose)
        return self.store.fires(definition_id, whose, limit, before)

    def resolve(
        self, workshop_id: str, type_id: str, interval: str, arguments: Sequence[tuple[str, object]]
    ) -> Download:
        """What a download of a type consists of: its report, and the filters of the last complete interval in
        the workshop's zone. `format` and `email` are checked where they are given, and of no effect.

        Raises:
            DefinitionError: it cannot be met.
            UnknownWorkshopError, NoGenerationError: the served data has no such workshop.
        """
        type_ = find_type(self.types, type_id)
        checked = check_interval(interval)
        pairs = [check_pair(type_, key, value) for key, value in arguments]
        meaning = read_arguments(type_, pairs, needed=())
        with self._exports.snapshots.open() as snapshot:
            check_values(snapshot, meaning, workshop_id)
            zone = find_workshop(snapshot.figures, workshop_id).time_zone
        span = period_before(checked, ZoneInfo(zone), self.store.clock())
        filters = {**write_filters(meaning.filters), **span.filters(meaning.report)}
        return Download(meaning.report, filters, meaning.language)

    def rehearse(self, definition_id: str, whose: Whose = None, count: int = 10) -> Sequence[Rehearsed]:
        """What the definition will do at its next fires, as if it were active and not paused.

        Raises:
            DefinitionNotFound: there is none.
            UnknownWorkshopError, NoGenerationError: the served data has no such workshop.
        """
        definition = self.store.get(definition_id, whose)
        meaning = self._meaning(definition)
        with self._exports.snapshots.open() as snapshot:
            return self._rehearse(snapshot, definition.workshop_id, definition.timing, meaning, count)

    def rehearse_draft(self, workshop_id: str, draft: Draft, count: int = 10) -> Sequence[Rehearsed]:
        """What a definition would do at its next fires if it were made of the draft; nothing is recorded.

        Raises as `create` does.
        """
        with self._exports.snapshots.open() as snapshot:
            plain = check_draft(draft, self.types, snapshot, workshop_id)
            meaning = read_arguments(find_type(self.types, plain.type_id), plain.arguments)
            return self._rehearse(snapshot, workshop_id, plain.timing, meaning, count)

    def back_test(self, definition_id: str, whose: Whose = None, days: int = 90) -> BackTest:
        """How often the definition would have sent in the last days. Raises as `rehearse` does."""
        definition = self.store.get(definition_id, whose)
        meaning = self._meaning(definition)
        with self._exports.snapshots.open() as snapshot:
            workshop = find_workshop(snapshot.figures, definition.workshop_id)
            return back_test(
                snapshot,
                meaning.report,
                workshop,
                definition.timing,
                meaning.filters,
                condition=definition.condition,
                only_when_data=meaning.only_when_data,
                now=self.store.clock(),
                days=days,
            )

    def _send(self, definition: Definition, kind: FireKind, actor: str, beside: Beside | None) -> Fire:
        zone = ZoneInfo(definition.timing.time_zone)
        span = period_before(definition.timing.interval, zone, self.store.clock())
        return self.store.record_fire(definition, kind, span, actor, beside)

    def _rehearse(
        self, snapshot: Snapshot, workshop_id: str, timing: Timing, meaning: Meaning, count: int
    ) -> Sequence[Rehearsed]:
        workshop = find_workshop(snapshot.figures, workshop_id)
        after = self.store.clock()
        return rehearse(snapshot, meaning.report, workshop, timing, meaning.filters, after=after, count=count)

    def _meaning(self, definition: Definition) -> Meaning:
        type_ = find_type(self.types, definition.type_id)
        return read_arguments(type_, [(one.key, one.value) for one in definition.arguments])

    def _checked(self, before: Definition, key: str, value: object, *, leaving: str | None) -> Pair:
        """The argument as it is kept, if it goes with the others."""
        type_ = find_type(self.types, before.type_id)
        pair = check_pair(type_, key, value)
        others = [(one.key, one.value) for one in before.arguments if one.argument_id != leaving]
        meaning = read_arguments(type_, [*others, pair])
        with self._exports.snapshots.open() as snapshot:
            check_values(snapshot, meaning, before.workshop_id)
        return pair

    def _again(self, definition_id: str, whose: Whose, change: Callable[[Definition], Result]) -> Result:
        """Make a change to what is read, again where others have changed it in between."""
        for _ in range(_TRIES - 1):
            try:
                return change(self.store.get(definition_id, whose))
            except DefinitionChanged:
                continue
        return change(self.store.get(definition_id, whose))
