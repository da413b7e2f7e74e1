"""Drafts against the accounts that the Jira project lets be assigned: a worker who left is no reason to lose the issue. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from lib.messages import say
from lib.plan.issue_draft import IssueDraft
from lib.plan.problems import Kind, Problem

FIELD = "assignee"  # other fields of users take any account of the site


def wanted(drafts: Iterable[IssueDraft]) -> list[str]:
    """Ids of the accounts that the drafts assign issues to, each once."""
    return [*dict.fromkeys(account for draft in drafts if (account := _account(draft.drafted.get(FIELD))))]


def fit(drafts: Iterable[IssueDraft], assignable: Mapping[str, bool]) -> list[IssueDraft]:
    """The drafts without an assignee whom Jira would refuse, and the row with him."""
    return [_without_refused(draft, assignable) for draft in drafts]


def _without_refused(draft: IssueDraft, assignable: Mapping[str, bool]) -> IssueDraft:
    account = _account(draft.drafted.get(FIELD))
    if not account or assignable.get(account, True):
        return draft
    if draft.fields is None:
        return draft.model_copy(update={"readable": {n: v for n, v in draft.readable.items() if n != FIELD}})
    return draft.model_copy(update={"fields": draft.fields.model_copy(update={FIELD: None})})


def _account(value: JsonValue) -> str:
    return str(value.get("accountId", "")) if isinstance(value, dict) else ""


def problems(assignable: Mapping[str, bool], workers: Mapping[str, str], project_key: str) -> list[Problem]:
    """
    One problem per account that cannot be assigned issues of the project.

    Args:
        assignable: Account id -> whether it can.
        workers: Worker -> account id.
        project_key: Names the project.
    """
    return [
        Problem.of(
            f"hashmap.py, WORKERS['{name}']",
            say(
                "the account {account} cannot be assigned issues of project {project}: it is deactivated, or lacks the permission "
                "Assignable User. Name another worker, or ask the project's administrator; until then the issues get no assignee",
                account=account,
                project=project_key,
            ),
            level="warning",
            kind=Kind.MAPPING,
        )
        for account, can in assignable.items()
        if not can
        for name in _names(account, workers)
    ]


def _names(account: str, workers: Mapping[str, str]) -> Sequence[str]:
    return [name for name, its in workers.items() if its == account] or [account]
