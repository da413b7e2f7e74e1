"""Which row of one run is which row of another. Pure."""

from collections.abc import Callable, Hashable, Sequence


def partners[R](rows: Sequence[R], others: Sequence[R], identities: Sequence[Callable[[R], Hashable]]) -> dict[int, R]:
    """
    Place of a row -> the row among the others that is the same one; none is the same as two.

    Args:
        rows: Those that are looked for.
        others: Those among which they are, in sheet order: of several that are alike the first is taken.
        identities: What makes two rows the same, the surest first; one that is empty or None says nothing.
    """
    partner: dict[int, R] = {}
    taken: set[int] = set()
    for identity in identities:
        waiting: dict[Hashable, list[R]] = {}
        for other in others:
            if id(other) not in taken:
                waiting.setdefault(identity(other), []).append(other)
        for place, row in enumerate(rows):
            candidates = waiting.get(identity(row)) if place not in partner and identity(row) else None
            if candidates:
                partner[place] = candidates.pop(0)
                taken.add(id(partner[place]))
    return partner
