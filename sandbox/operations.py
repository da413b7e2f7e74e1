"""The operations of the sandbox: each names itself by the vendor's own method id in one decorator.

The routes, the faults that can be queued and the contract tests all come from these decorators.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sandbox.http.wire import Call, Reply
from sandbox.world import World

type Handler = Callable[[World, Call], Reply]
type Authorise = Callable[[World, Call], str]
"""Who is calling; refuses credentials that are wrong. Anonymous callers are the empty string."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a vendor's API."""

    name: str
    method: str
    path: str
    handler: Handler
    authorise: Authorise

    @property
    def writes(self) -> bool:
        return self.method != "GET"


class Operations:
    """The operations of one module, filled by using the object as a decorator."""

    def __init__(self, authorise: Authorise) -> None:
        self.all: list[Operation] = []
        self._authorise = authorise

    def __call__(self, name: str, method: str, path: str) -> Callable[[Handler], Handler]:
        """Make the decorated function the operation `name`, answering `method` at `path`."""

        def keep(handler: Handler) -> Handler:
            self.all.append(Operation(name, method, path, handler, self._authorise))
            return handler

        return keep


def by_name(operations: Iterable[Operation]) -> dict[str, Operation]:
    """The operations by their names, which must be unique."""
    found: dict[str, Operation] = {}
    for operation in operations:
        if operation.name in found:
            raise ValueError(f"two operations are called {operation.name}")
        found[operation.name] = operation
    return found
