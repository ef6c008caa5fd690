"""Reading the figures file of a generation: memory-mapped, shared by all processes, searched by halving.

`warehouse.figures_build` writes it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import pyarrow as pa

from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from warehouse.generations import Generation

LAYOUT = "1"
"""Raised when the file's columns change."""
FIRST_DAY, LAST_DAY = -(2**31), 2**31 - 1
"""Before and after every day of a file."""
_EPOCH = date(1970, 1, 1).toordinal()
_KEPT_WORKSHOPS = 4_096


def day_number(day: date) -> int:
    """The day as files count it: days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def number_day(number: int) -> date:
    """The day of a number."""
    return date.fromordinal(number + _EPOCH)


class DaySums:
    """Days in ascending order, and for each of some quantities its sum up to each day."""

    __slots__ = ("_columns", "_days", "_nothing", "_start", "_stop")

    def __init__(self, days: memoryview, columns: Sequence[memoryview], start: int, stop: int) -> None:
        self._days = days
        self._columns = columns
        self._start = start
        self._stop = stop
        self._nothing = (0,) * len(columns)

    def total(self, first: int, last: int) -> tuple[int, ...]:
        """Each quantity summed over the days from `first` to `last`, both included."""
        begin = bisect_left(self._days, first, self._start, self._stop)
        return self._between(begin, bisect_right(self._days, last, begin, self._stop))

    def totals(self, starts: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Each quantity summed from each of the ascending days up to the day before the next of them."""
        begin = bisect_left(self._days, starts[0], self._start, self._stop)
        for following in starts[1:]:
            end = bisect_left(self._days, following, begin, self._stop)
            yield self._between(begin, end)
            begin = end

    def ends(self, first: int, last: int) -> tuple[int, int] | None:
        """The first and the last day of those from `first` to `last`; None: there are none."""
        begin = bisect_left(self._days, first, self._start, self._stop)
        end = bisect_right(self._days, last, begin, self._stop)
        return (self._days[begin], self._days[end - 1]) if begin < end else None

    def _between(self, begin: int, end: int) -> tuple[int, ...]:
        if begin == end:
            return self._nothing
        if begin == self._start:
            return tuple([column[end - 1] for column in self._columns])
        return tuple([column[end - 1] - column[begin - 1] for column in self._columns])


@dataclass(frozen=True, slots=True)
class CategorySums:
    """The services and bookings of one category of a workshop."""

    category: str
    present: int
    """Services that are not deleted now."""
    days: DaySums
    """Bookings."""
    _created: memoryview
    _deleted: memoryview
    _deleted_created: memoryview

    def alive(self, first: int, last: int) -> int:
        """Services created up to `last` and not deleted before `first`."""
        gone = bisect_left(self._deleted, first)
        created_later = sum(day > last for day in self._deleted_created[:gone])
        return bisect_right(self._created, last) - gone + created_later


@dataclass(frozen=True, slots=True)
class WorkshopSums:
    """What the file tells of a workshop."""

    workshop_id: str
    name: str
    time_zone: str
    currency: str | None
    services: int
    """Active and not deleted now."""
    bookings: DaySums
    """Done bookings, their revenue in hundredths, and days on which any of them has a price."""
    ratings: DaySums
    """Ratings, and the sum of their values in tenths."""
    categories: Sequence[CategorySums]
    """By name."""


class Figures:
    """The figures of one generation; any number of threads may use them."""

    def __init__(self, generation: "Generation", batches: Sequence[pa.RecordBatch]) -> None:
        self.generation = generation
        self._workshops = _Workshops(batches)
        self._find = lru_cache(_KEPT_WORKSHOPS)(self._workshops.find)

    def find(self, workshop_id: str) -> WorkshopSums | None:
        """The workshop with this id; None: there is none."""
        return self._find(workshop_id)

    def __iter__(self) -> Iterator[WorkshopSums]:
        """Every workshop, by id."""
        return iter(self._workshops)


def open_figures(generation: "Generation") -> Figures:
    """Open the figures of a generation.

    Raises:
        WarehouseError: it was published without them, or the file is not whole.
    """
    return hold_figures(generation)()


def hold_figures(generation: "Generation") -> Callable[[], Figures]:
    """Take hold of the figures of a generation: what is given back opens them, also when it is pruned then.

    That raises what `open_figures` does.
    """
    path = generation.figures_path
    try:
        file = pa.memory_map(str(path))
    except OSError as error:
        fault = _fault(path, error)
        return lambda: _fail(fault)

    @cache
    def read() -> Figures:
        try:
            return Figures(generation, _read_batches(file))
        except (OSError, pa.ArrowException, ValueError, KeyError) as error:
            raise _fault(path, error) from error

    return read


def _fault(path: Path, error: Exception) -> WarehouseError:
    if isinstance(error, FileNotFoundError):
        return WarehouseError(
            f"{path}: the generation has no figures file; run the night, which publishes one that has"
        )
    return WarehouseError(f"{path}: the figures cannot be read ({error}); run the night again")


def _fail(fault: WarehouseError) -> NoReturn:
    raise fault


def _read_batches(file: pa.MemoryMappedFile) -> list[pa.RecordBatch]:
    reader = pa.ipc.open_file(file)
    layout = (reader.schema.metadata or {}).get(b"layout", b"").decode()
    if layout != LAYOUT:
        raise ValueError(f"its layout is {layout!r}, {LAYOUT!r} is read")
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


class _Workshops:
    """The rows of all record batches."""

    def __init__(self, batches: Sequence[pa.RecordBatch]) -> None:
        self._batches = [_Batch(batch) for batch in batches if batch.num_rows]
        self._firsts = [batch.workshop_id(0) for batch in self._batches]

    def __iter__(self) -> Iterator[WorkshopSums]:
        return (batch.read(row) for batch in self._batches for row in range(len(batch)))

    def find(self, workshop_id: str) -> WorkshopSums | None:
        place = bisect_right(self._firsts, workshop_id) - 1
        if place < 0:
            return None
        batch = self._batches[place]
        row = bisect_left(range(len(batch)), workshop_id, key=batch.workshop_id)
        if row == len(batch) or batch.workshop_id(row) != workshop_id:
            return None
        return batch.read(row)


class _DayLists:
    """A column of lists of days with their running sums."""

    def __init__(self, lists: pa.ListArray, *columns: str) -> None:
        self._offsets = _view(lists.offsets, "i")
        self._days = _view(lists.values.field("day"), "i")
        self._columns = [_view(lists.values.field(name), "q") for name in columns]

    def __getitem__(self, row: int) -> DaySums:
        return DaySums(self._days, self._columns, self._offsets[row], self._offsets[row + 1])


class _Batch:
    """Views of a record batch's columns."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._bookings = _DayLists(batch["booking_days"], "done", "revenue", "priced_days")
        self._ratings = _DayLists(batch["rating_days"], "ratings", "rating_sum")
        categories = batch["categories"].values
        self._category_offsets = _view(batch["categories"].offsets, "i")
        self._categories = categories.field("category")
        self._present = _view(categories.field("present"), "q")
        self._category_days = _DayLists(categories.field("days"), "bookings")
        created, deleted = categories.field("created"), categories.field("deleted")
        self._created_offsets = _view(created.offsets, "i")
        self._created = _view(created.values, "i")
        self._deleted_offsets = _view(deleted.offsets, "i")
        self._deleted = _view(deleted.values.field("deleted"), "i")
        self._deleted_created = _view(deleted.values.field("created"), "i")

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    def workshop_id(self, row: int) -> str:
        return str(self._batch["workshop_id"][row].as_py())

    def read(self, row: int) -> WorkshopSums:
        workshop_id, name, time_zone, currency, services = (
            self._batch[column][row].as_py()
            for column in ("workshop_id", "name", "time_zone", "currency", "services")
        )
        categories = range(self._category_offsets[row], self._category_offsets[row + 1])
        return WorkshopSums(
            workshop_id,
            name,
            time_zone,
            currency,
            services,
            self._bookings[row],
            self._ratings[row],
            tuple(self._read_category(number) for number in categories),
        )

    def _read_category(self, number: int) -> CategorySums:
        created = slice(self._created_offsets[number], self._created_offsets[number + 1])
        deleted = slice(self._deleted_offsets[number], self._deleted_offsets[number + 1])
        return CategorySums(
            category=self._categories[number].as_py(),
            present=self._present[number],
            days=self._category_days[number],
            _created=self._created[created],
            _deleted=self._deleted[deleted],
            _deleted_created=self._deleted_created[deleted],
        )


def _view(array: pa.Array, code: Literal["i", "q"]) -> memoryview:
    """The values of an array of numbers, not copied; reading one of a view is several times faster."""
    data = array.buffers()[1]
    if data is None:
        return memoryview(b"").cast(code)
    return memoryview(data).cast(code)[array.offset : array.offset + len(array)]
