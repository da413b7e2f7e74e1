"""What can go wrong, by what the reader does next.

* WorkflowError
  x FixInputError: edit something (a cell, a setting, a parameter), then run again; never retried
    - CredentialsError: a service does not know us, or does not let us
    - RefusedError: Jira says no to what was sent
  x TryLaterError: the service could not answer now; clients and tasks retry reads
    - TooManyRequestsError: it was asked too often
  x ConflictError: stop; a person decides
    - UncertainWriteError: a write was sent and its outcome is unknown; it is settled by reading, never sent again blindly
      · TooLargeError: so is this one, and what was sent is too large for something on the way
  x NotebookError: a notebook did not run to its end; the executed copy says where

Every message says where, what, and what to do instead. Every error passes all its fields to `Exception.__init__`, so that
it survives pickling (Prefect stores the exception of a failed run).
"""

from lib.messages import Said, join

_LONG_WAIT_S = 90.0  # what a person would notice


class WorkflowError(Exception):
    """
    Anything that this project raises on purpose.

    Attributes:
        kind: What the reader does next, one word for each class, as in a run's result.
        service: google or jira, when it was raised by a call to one; else empty.
    """

    kind = "workflow"
    service = ""

    def __str__(self) -> str:
        return ": ".join(str(part) for part in self.args if part)

    @property
    def said(self) -> Said:
        """The message in both languages; without its Indonesian where nobody wrote it down."""
        parts = [part for part in self.args if isinstance(part, str)]
        told = any(isinstance(part, Said) and part.indonesian for part in parts)
        return Said(str(self), join(": ", parts).indonesian if told else "")


class FixInputError(WorkflowError):
    """Something must be edited before another try: `where`, `problem` (what is wrong, and what to write instead)."""

    kind = "fix_input"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem


class CredentialsError(FixInputError):
    """A service refuses our credentials or our access; `where` names the service. Never retried."""

    kind = "credentials"


class RefusedError(FixInputError):
    """Jira understood a request and refuses it; nothing was made. `reasons` by field, general ones under an empty name."""

    kind = "refused"

    def __init__(self, where: str, problem: str, reasons: dict[str, str]) -> None:
        super().__init__(where, problem)
        self.args = (where, problem, reasons)
        self.reasons = reasons

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class TryLaterError(WorkflowError):
    """The service could not answer now. Nothing was written by the call that raised it.

    Attributes:
        retry_after_s: What the server asked for, in seconds; None when it did not say.
    """

    kind = "try_later"

    def __init__(self, where: str, problem: str, retry_after_s: float | None = None) -> None:
        super().__init__(where, problem, retry_after_s)
        self.where = where
        self.problem = problem
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        asked = self.retry_after_s or 0.0
        wait = f" (it asks to wait {asked / 60:.0f} min)" if asked >= _LONG_WAIT_S else ""
        return f"{self.where}: {self.problem}{wait}"


class TooManyRequestsError(TryLaterError):
    """The service was asked too often; it carried nothing out."""

    kind = "too_many_requests"


class ConflictError(WorkflowError):
    """Somebody or something else stands in the way, and a person decides how to go on."""

    kind = "conflict"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem


class UncertainWriteError(ConflictError):
    """A write was sent and no answer can be trusted: it may have been applied, or may still be."""

    kind = "uncertain_write"


class TooLargeError(UncertainWriteError):
    """What was sent is too large for the service, or for something before it that does not say whether it passed it on."""


class NotebookError(WorkflowError):
    """A notebook did not run to its end.

    Attributes:
        notebook: Name of the notebook.
        status: How it ended, such as `failed`, `timeout`, `cancelled`, `kernel died`.
        cell: Number of the code cell as JupyterLab counts cells, from 1; None when no cell is to blame.
        problem: What happened, one line.
    """

    kind = "notebook"

    def __init__(self, notebook: str, status: str, cell: int | None, problem: str) -> None:
        super().__init__(notebook, status, cell, problem)
        self.notebook = notebook
        self.status = status
        self.cell = cell
        self.problem = problem

    def __str__(self) -> str:
        where = self.notebook if self.cell is None else f"{self.notebook}, cell {self.cell}"
        return f"{where}: {self.status}: {self.problem}"
