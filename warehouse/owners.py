"""What sources declare of whose their rows are: checked, and in the order in which it is followed."""

from collections.abc import Mapping

from warehouse.sources import BelongsTo, Source, SourceConfigError, SourceEntity


def unclaimed(source: Source) -> list[str]:
    """Entities of which nothing declares whose their rows are."""
    if source.tenant is not None:
        return []
    return [
        name
        for name, declared in source.entities.items()
        if not (declared.workshop or declared.belongs_to or declared.shared)
    ]


def check_ownership(sources: Mapping[str, Source]) -> None:
    """Refuse declarations of whose rows are that contradict themselves.

    Raises:
        SourceConfigError: which one and why.
    """
    for name, source in sources.items():
        for entity, declared in source.entities.items():
            fault = _fault(source, declared)
            if fault:
                raise SourceConfigError(f"source {name}: entities.{entity}: {fault}")
        parents_first(name, source)


def _fault(source: Source, declared: SourceEntity) -> str | None:
    """The first rule that the declaration breaks."""
    link = declared.belongs_to
    own = [*declared.workshop, *([declared.customer] if declared.customer else [])]
    named = [*own, *([link.column] if link else [])]
    missing = [column for column in named if column not in declared.columns]
    of_customer = bool(declared.customer or declared.personal)
    rules = (
        (bool(missing), f"columns that tell whose a row is must be there: add {', '.join(missing)}"),
        (bool(source.tenant and declared.workshop), "all rows are the tenant's: leave workshop out"),
        (declared.shared and bool(named or of_customer), "shared rows are nobody's: declare nothing else"),
        (
            of_customer and not (declared.workshop or link or source.tenant),
            "a customer's rows need workshop or belongs_to",
        ),
        (of_customer and not (declared.customer or link), "personal columns need customer or belongs_to"),
    )
    broken = [fault for breaks, fault in rules if breaks]
    return broken[0] if broken else _link_fault(source, link)


def _link_fault(source: Source, link: BelongsTo | None) -> str | None:
    if link is None:
        return None
    other = source.entities.get(link.entity)
    if other is None:
        return f"belongs_to names {link.entity}, which the source does not have"
    if link.refers_to is None and len(other.key) > 1:
        return "belongs_to needs refers_to: the other entity's key has several columns"
    if link.refers_to is not None and link.refers_to not in other.columns:
        return f"belongs_to.refers_to names {link.refers_to}, no column that {link.entity} must have"
    return None


def parents_first(name: str, source: Source) -> list[str]:
    """The source's entities, each after the one that it belongs to.

    Raises:
        SourceConfigError: they belong to each other.
    """
    order: list[str] = []
    waiting = list(source.entities)
    while waiting:
        ready = [
            entity
            for entity in waiting
            if (link := source.entities[entity].belongs_to) is None or link.entity in order
        ]
        if not ready:
            raise SourceConfigError(f"source {name}: {', '.join(waiting)} belong to each other")
        order += ready
        waiting = [entity for entity in waiting if entity not in ready]
    return order
