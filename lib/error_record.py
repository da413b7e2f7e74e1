"""An error as it stands in a run's result: whose plan it stopped, which service it came from, and of what kind it is."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from lib.error_line import message_of, one_line
from lib.errors import WorkflowError
from lib.messages import Said

CANCELLED = "cancelled"
NOT_BEGUN = "not_begun"
UNFORESEEN = "unforeseen"


@dataclass(frozen=True)
class ErrorRecord:
    """
    One error of a run.

    Attributes:
        message: Where, what is wrong, and what to do; without the client's name.
        indonesian: The same in Indonesian; empty where nobody wrote it down.
        kind: What the reader does next, as `lib.errors` groups errors: fix_input, credentials, try_later, …; or cancelled,
            not_begun, unforeseen.
        client: The client whose plan it stopped; empty when it concerns the whole run.
        service: google, jira or prefect; empty for any other.
    """

    message: str
    kind: str
    client: str = ""
    service: str = ""
    indonesian: str = ""

    @classmethod
    def of(cls, message: Said, kind: str, client: str = "") -> Self:
        """A record in both languages, of what no exception says."""
        return cls(str(message), kind, client, indonesian=message.indonesian)

    @property
    def said(self) -> Said:
        """The message in both languages."""
        return Said(self.message, self.indonesian)

    def __str__(self) -> str:
        return f"{self.client}: {self.message}" if self.client else self.message


def record_of(error: BaseException, client: str = "") -> ErrorRecord:
    """The record of an exception."""
    if not isinstance(error, WorkflowError):
        return ErrorRecord(message_of(error), UNFORESEEN, client)
    return ErrorRecord(message_of(error), error.kind, client, error.service, one_line(error.said.indonesian))


def in_result(errors: Iterable[ErrorRecord]) -> dict[str, Any]:
    """A result's part that tells its errors: `errors`, the records, and `error`, a sentence of all; nothing without any."""
    records = list(errors)
    if not records:
        return {}
    return {"error": "; ".join(map(str, records)), "errors": [asdict(record) for record in records]}


def errors_of(result: Mapping[str, Any]) -> list[ErrorRecord]:
    """The records of a result's errors; one of its own for an `error` that was given as a sentence."""
    if result.get("error") and not result.get("errors"):
        return [ErrorRecord(str(result["error"]), UNFORESEEN)]
    return [ErrorRecord(**record) for record in result.get("errors", [])]


def with_error(result: Mapping[str, Any], record: ErrorRecord) -> dict[str, Any]:
    """A result that has this error, too."""
    return {**result, **in_result([*errors_of(result), record])}
