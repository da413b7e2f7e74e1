"""Faults: queued by operation and applied to its next requests in order. `left` lists those that no request has met."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.http.operations import Operation

# Kind -> the options it takes, beside `times` and `after`.
KINDS: dict[str, set[str]] = {
    "429": {"retry_after"},
    "500": set(),
    "503-before": {"retry_after"},
    "503-after": {"retry_after"},
    "status-before": {"status", "body"},
    "status-after": {"status", "body"},
    "reset-before": set(),
    "reset-after": set(),
    "slow": {"delay_s"},
    "slow-before-apply": {"delay_s"},
    "truncated": set(),
    "html": set(),
    "redirect": set(),
    "shuffle": set(),
    "short": {"index"},
    "other-issue": {"index", "key"},
    "refuse": {"indices", "errors"},
    "refuse-whole": {"messages"},
    "413": set(),
    "401": set(),
    "403": {"reason"},
    "anonymous": set(),
    "late-apply": {"delay_s"},
    "edit": {"edit", "when"},
}
_DEFAULTS: dict[str, Any] = {
    "delay_s": 1.0, "index": 0, "indices": [0], "when": "before", "status": 520, "body": "page",
}  # fmt: skip
_BODIES = {"page", "empty", "json"}
_ANSWERING_WITH_ISSUES = {"createIssues", "bulkFetchIssues", "searchAndReconsileIssuesUsingJqlPost"}
_REFUSING = {"createIssue", "createIssues", "editIssue", "doTransition"}


@dataclass(slots=True)
class Fault:
    """One fault: it lets `after` requests of the operation pass and applies to the next `times`."""

    operation: str
    kind: str
    times: int = 1
    after: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def option(self, name: str) -> Any:
        return self.options.get(name, _DEFAULTS.get(name))


class Taken(NamedTuple):
    """The faults of one request: an edit by another person, and what happens to the request or its answer."""

    edit: Fault | None
    answer: Fault | None

    @property
    def names(self) -> str:
        return "+".join(fault.kind for fault in self if fault is not None)


class Faults:
    """
    The queues.

    Edits have a queue of their own, so that a request can meet an edit and another fault at once.
    """

    def __init__(self, operations: Iterable[Operation[Any]]) -> None:
        self._operations = {operation.name: operation for operation in operations}
        self._waiting: list[Fault] = []

    @property
    def operations(self) -> list[str]:
        """Every operation that a fault can be queued for."""
        return sorted(self._operations)

    @property
    def left(self) -> dict[str, list[str]]:
        """Kinds of the faults that no request has met, by operation; each as often as it would still apply."""
        waiting: dict[str, list[str]] = {}
        for fault in self._waiting:
            waiting.setdefault(fault.operation, []).extend([fault.kind] * fault.times)
        return waiting

    def add(self, operation: str, kind: str, *, times: int = 1, after: int = 0, **options: Any) -> Fault:
        """Queue a fault; ValueError if the operation or the kind is unknown, or does not go with it."""
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(KINDS)}")
        if operation not in self._operations:
            raise ValueError(f"no operation is called {operation!r}; there are {', '.join(self.operations)}")
        unknown = options.keys() - KINDS[kind]
        if unknown:
            raise ValueError(f"{kind} does not take {', '.join(sorted(unknown))}; it takes {sorted(KINDS[kind])}")
        if times < 1 or after < 0:
            raise ValueError("times must be at least 1, after at least 0")
        self._check_applies(self._operations[operation], kind, options)
        fault = Fault(operation, kind, times, after, options)
        self._waiting.append(fault)
        return fault

    def take(self, operation: str) -> Taken:
        """Take the faults for the next request of an operation from the queues."""
        return Taken(
            self._take(operation, lambda fault: fault.kind == "edit"),
            self._take(operation, lambda fault: fault.kind != "edit"),
        )

    def clear(self) -> None:
        self._waiting.clear()

    def _take(self, operation: str, suits: Callable[[Fault], bool]) -> Fault | None:
        first = next((fault for fault in self._waiting if fault.operation == operation and suits(fault)), None)
        if first is None:
            return None
        if first.after:
            first.after -= 1
            return None
        first.times -= 1
        if not first.times:
            self._waiting.remove(first)
        return first

    def _check_applies(self, operation: Operation[Any], kind: str, options: dict[str, Any]) -> None:
        name = operation.name
        jira = not name.startswith(("oauth.", "sheets.", "drive."))
        if kind in {"shuffle", "short", "other-issue"} and name not in _ANSWERING_WITH_ISSUES:
            raise ValueError(f"{kind} needs an answer with a list of issues; {name} has none")
        if kind == "refuse" and name not in _REFUSING:
            raise ValueError(f"refuse is for {', '.join(sorted(_REFUSING))}")
        if kind == "anonymous" and not jira:
            raise ValueError("anonymous is for Jira's operations")
        if kind == "late-apply" and not operation.writes:
            raise ValueError(f"late-apply is for writes; {name} is a {operation.method}")
        if kind == "edit" and "edit" not in options:
            raise ValueError(
                "an edit fault needs edit=: a function without arguments, or an edit as POST /sandbox/edit takes it"
            )
        if options.get("body", "page") not in _BODIES:
            raise ValueError(f"body is one of {', '.join(sorted(_BODIES))}")
        if not isinstance(options.get("status", 520), int) or not 400 <= options.get("status", 520) <= 599:
            raise ValueError("status is a number from 400 to 599")
        if options.get("when", "before") not in {"before", "after"}:
            raise ValueError("when is before or after")
