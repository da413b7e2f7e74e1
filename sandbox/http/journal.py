"""What was asked of the sandbox and how it answered, in the order of arrival."""

from dataclasses import asdict, dataclass

from sandbox.http.messages import JsonObject


@dataclass(slots=True)
class Entry:
    """One request."""

    operation: str
    """The vendor's method id; empty for a path the sandbox does not know."""
    method: str
    path: str
    at: float
    status: int | None = None
    """None while it is under way, and if the connection was cut instead of an answer."""
    fault: str = ""

    def to_json(self) -> JsonObject:
        return asdict(self)
