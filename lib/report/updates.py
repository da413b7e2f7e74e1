"""What a run of content-plan-update found in fields of issues, old → new, with links to cell and issue; from `result.json`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from IPython.display import HTML
from markupsafe import Markup

from lib.formats import plural
from lib.report import html_report
from lib.report.comparison_report import word_diff
from lib.report.corrections import cell_address
from lib.report.html_report import link
from lib.run.run_record import RunRecord
from lib.update.three_way import State

_SHOWN = 500  # fields that a table shows
_WHY: Mapping[str, str] = {
    State.CONFLICT: "both were changed",
    State.REPLACED: "Jira's was written while the plan's was sent, which replaced it",
    State.WAITING: "not sent",
    State.REJECTED: "Jira refused it",
}

type _Field = Mapping[str, Any]


def conflicts(record: RunRecord) -> HTML:
    """Fields that wait for a person's decision: what was sent, and what the plan and Jira say."""

    def values(one: _Field) -> list[object]:
        diff = word_diff(_text(one["jira"]), _text(one["plan"]))
        return [_text(one["sent"]), _side(diff, "ins", "del"), _side(diff, "del", "ins"), _WHY[one["state"]]]

    columns = ["was sent", "the plan says", "Jira says", "why"]
    return _table(record, columns, values, State.CONFLICT, State.REPLACED)


def carried_over(record: RunRecord) -> HTML:
    """Fields that the plan changed and that this run changed in the issues."""
    return _table(
        record, ["then → now"], lambda one: [word_diff(_text(one["jira"]), _text(one["plan"]))], State.UPDATED
    )


def not_sent(record: RunRecord) -> HTML:
    """Fields that the plan changed and that are in the issues as they were."""

    def values(one: _Field) -> list[object]:
        return [word_diff(_text(one["jira"]), _text(one["plan"])), _WHY[one["state"]]]

    return _table(record, ["Jira → plan", "why"], values, State.WAITING, State.REJECTED)


def kept(record: RunRecord) -> HTML:
    """Fields that a person changed in Jira, and that stay as they are there."""
    return _table(record, ["plan → Jira"], lambda one: [word_diff(_text(one["plan"]), _text(one["jira"]))], State.KEPT)


def _table(
    record: RunRecord, columns: Sequence[str], values: Callable[[_Field], Sequence[object]], *states: State
) -> HTML:
    found = list(_fields(record, states))
    if not found:
        return html_report.nothing()
    rows = [
        [
            row["client"],
            link(one["cell"], cell_address(record, {**row, "where": one["cell"]})),
            link(" · ".join(filter(None, (row.get("key"), row.get("topic")))), row.get("url")),
            one["field"],
            *values(one),
        ]
        for row, one in found[:_SHOWN]
    ]
    shown = html_report.table(["client", "cell", "issue", "field", *columns], rows, cards=True)
    if len(found) <= _SHOWN:
        return shown
    more = html_report.sentence(f"The first {_SHOWN} of {plural(len(found), 'field')}; result.json has them all.")
    return HTML(shown.data + more.data)


def _fields(record: RunRecord, states: Sequence[State]) -> Iterator[tuple[Mapping[str, Any], _Field]]:
    for state in states:
        yield from ((row, one) for row in record.rows for one in row.get("fields", []) if one["state"] == state)


def _text(value: str) -> str:
    """A value without the quotes that tell it from an empty one."""
    return value[1:-1] if value.startswith("'") and value.endswith("'") and len(value) > 1 else value


def _side(diff: Markup, kept: str, dropped: str) -> Markup:
    """One of a diff's two texts, with what the other one has not in bold; the texts in it are escaped, its tags are ours."""
    own = re.sub(rf"<{dropped}>.*?</{dropped}>", "", str(diff), flags=re.DOTALL)
    return Markup(own.replace(f"<{kept}>", "<b>").replace(f"</{kept}>", "</b>"))  # noqa: S704  # made of escaped text
