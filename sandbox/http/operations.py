"""The operations of the sandbox: each names itself by the vendor's own method id in one decorator.

The routes, the faults that can be queued and the contract tests all come from these decorators.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sandbox.http.messages import Call, Reply


@dataclass(frozen=True, slots=True)
class Operation[Service]:
    """One method of a vendor's API; `Service` is the vendor's half of the sandbox, which the handler works on."""

    name: str
    method: str
    path: str
    handler: Callable[[Service, Call], Reply]
    authenticate: Callable[[Service, Call], str]
    """The caller's account, empty for an anonymous one; refuses wrong credentials."""

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def authenticated(self, service: Service, call: Call) -> Call:
        """The call with its caller; a late write has one since it arrived and is not checked again."""
        return call if call.caller else replace(call, caller=self.authenticate(service, call))

    def carry_out(self, service: Service, call: Call) -> Reply:
        return self.handler(service, self.authenticated(service, call))


class Operations[Service]:
    """The operations of one module, filled by using the object as a decorator."""

    def __init__(self, authenticate: Callable[[Service, Call], str]) -> None:
        self.all: list[Operation[Service]] = []
        self._authenticate = authenticate

    def __call__(
        self, name: str, method: str, path: str
    ) -> Callable[[Callable[[Service, Call], Reply]], Callable[[Service, Call], Reply]]:
        """Make the decorated function the operation `name`, answering `method` at `path`."""

        def add(handler: Callable[[Service, Call], Reply]) -> Callable[[Service, Call], Reply]:
            self.all.append(Operation(name, method, path, handler, self._authenticate))
            return handler

        return add


def by_name[Service](groups: Iterable[Operations[Service]]) -> dict[str, Operation[Service]]:
    """The operations of the groups by their names, which must be unique."""
    found: dict[str, Operation[Service]] = {}
    for operation in (operation for group in groups for operation in group.all):
        if operation.name in found:
            raise ValueError(f"two operations are called {operation.name}")
        found[operation.name] = operation
    return found
