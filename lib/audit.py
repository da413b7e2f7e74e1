"""The report of one run: sentences and tables that a manager reads, made of what the run left in its folder."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from IPython.display import HTML
from markupsafe import Markup

from lib import html_report
from lib.formats import show_date, show_moment
from lib.html_report import link
from lib.reconcile import Outcome
from lib.run_folder import files_of
from lib.run_record import RunRecord

_SAID = {
    Outcome.CREATED: ("issue was created", "issues were created"),
    Outcome.EXISTING: ("row had its issue already", "rows had their issues already"),
    Outcome.READY: ("row is good and was not sent", "rows are good and were not sent"),
    Outcome.REFUSED: ("row was refused and must be corrected", "rows were refused and must be corrected"),
    Outcome.REJECTED: (
        "row was rejected by Jira; the next run tries it again",
        "rows were rejected by Jira; the next run tries them again",
    ),
    Outcome.UNCERTAIN: (
        "row is uncertain until the next run settles it",
        "rows are uncertain until the next run settles them",
    ),
    Outcome.FLAGGED: ("row needs a person's decision", "rows need a person's decision"),
}
_KIND = {"completed": "good", "needs attention": "attention", "failed": "bad", "cancelled": "bad"}
_NOTHING = "Nothing."
# What a reader can do something about, most urgent first.
_TO_DO = (Outcome.FLAGGED, Outcome.UNCERTAIN, Outcome.REJECTED, Outcome.REFUSED)


def heading(record: RunRecord) -> HTML:
    """Which run this is: flow, months, clients, when, and whether it was a sandbox or a rerun."""
    result, given = record.result, record.result.get("parameters", {})
    where = "on the sandbox, with invented clients" if result.get("sandbox") else "on the real services"
    kind = "looked only, nothing was written" if given.get("validate_only") else ""
    again = f"a rerun of {result['rerun_of']}" if result.get("rerun_of") else ""
    began = f"began {show_moment(record.started_at)}, took {record.duration_s:,.0f} seconds"
    told = [record.flow, " and ".join(record.months), began, where, kind, again]
    return html_report.sentence(" · ".join(filter(None, told)))


def bottom_line(result: Mapping[str, Any]) -> str:
    """A run's result in one sentence; its numbers add up to the rows."""
    summary: Mapping[str, Any] = result.get("summary", {})
    clients, rows = len(summary.get("clients", {})), summary.get("rows", 0)
    said = [f"{summary[o]} {_SAID[o][summary[o] != 1]}" for o in Outcome if summary.get(o)]
    told = f"{rows} {_plural(rows, 'row')} of {clients} {_plural(clients, 'client')}: {', '.join(said) or 'nothing to do'}."
    if result.get("done") and not (clients and said):
        told = str(result["done"])
    blocking = len(result.get("blocking", []))
    found = f" {blocking} {_plural(blocking, 'problem')} would block the making of issues." if blocking else ""
    error = result.get("error")
    ended = f" The run {'was cancelled' if result.get('state') == 'cancelled' else 'failed'}: {error}" if error else ""
    return f"{told}{found}{ended}"


def show_bottom_line(record: RunRecord) -> HTML:
    """The bottom line, in the colour of how the run ended."""
    corrections = record.state == "completed" and record.counts.get(Outcome.REFUSED)
    return html_report.sentence(
        bottom_line(record.result), kind="attention" if corrections else _KIND.get(record.state, "note")
    )


def counts(record: RunRecord) -> HTML:
    """Rows per client and outcome, and in all."""
    names = ["rows", *(outcome.value for outcome in Outcome)]
    clients: Mapping[str, Mapping[str, int]] = record.result.get("summary", {}).get("clients", {})
    rows = [[client, *(counted.get(name) or "·" for name in names)] for client, counted in clients.items()]
    rows.append([Markup("<b>all</b>"), *(record.counts.get(name, 0) for name in names)])
    return html_report.table(["client", *names], rows, numbers=names)


def stopped(record: RunRecord) -> HTML:
    """The clients that could not be read or finished, and why."""
    rows = [[name, plan["error"]] for name, plan in record.plans.items() if plan.get("error")]
    return _table(["client", "what stopped it"], rows)


def to_do(record: RunRecord) -> HTML:
    """What a person has to do, most urgent first: in which cell, what is wrong, what to write instead."""
    found = [("blocking", problem, "") for problem in record.result.get("blocking", [])] or [
        (outcome.value, {**row, **problem}, _what(row))
        for outcome in _TO_DO
        for row in record.rows
        if row["outcome"] == outcome
        for problem in row["problems"]
        if problem["level"] == "error"
    ]
    rows = [
        [kind, p["client"] or "all", link(p["cell"], _cell_address(record, p)), p["message"], content]
        for kind, p, content in found
    ]
    return _table(["kind", "client", "cell", "what to do", "content"], rows)


def not_sent(record: RunRecord) -> HTML:
    """Good rows that were not sent although the run was to send them, and why."""
    rows = [
        [row["client"], row["row"], _what(row), problem["message"]]
        for row in record.rows
        if row["outcome"] == Outcome.READY
        for problem in row["problems"]
        if problem["level"] == "error"
    ]
    return _table(["client", "row", "content", "why"], rows, numbers=["row"])


def warnings(record: RunRecord) -> HTML:
    """What is odd and stops nothing."""
    odd = [{"client": name, **problem} for name, plan in record.plans.items() for problem in plan.get("problems", [])]
    odd += [
        {"client": row["client"], **problem}
        for row in record.rows
        for problem in row["problems"]
        if problem["level"] == "warning"
    ]
    odd = record.result.get("warnings", odd)
    rows = [[p["client"] or "all", link(p["cell"], _cell_address(record, p)), p["message"]] for p in odd]
    return _table(["client", "cell", "what is odd"], rows)


def changes(record: RunRecord) -> HTML:
    """Rows that are not what their issues were made from."""
    rows = [
        [
            row["client"],
            link(row["key"] or "", row.get("url")),
            row["row"] or "deleted",
            c["column"],
            c["old"],
            c["new"],
        ]
        for row in record.rows
        for c in row.get("changes", [])
    ]
    return _table(["client", "issue", "row", "column", "then", "now"], rows)


def issues(record: RunRecord, outcome: str = "created") -> HTML:
    """The issues of an outcome, client by client, each a link."""
    wanted = [row for row in record.rows if row["outcome"] == outcome and row["key"]]
    if not wanted:
        return html_report.sentence(_NOTHING)
    parts = []
    for client in dict.fromkeys(row["client"] for row in wanted):
        rows = [
            [
                link(row["key"], row.get("url")),
                row["row"],
                _day(row),
                row.get("form"),
                row.get("topic"),
            ]
            for row in wanted
            if row["client"] == client
        ]
        shown = html_report.table(["issue", "row", "date", "form", "topic"], rows, numbers=["row"])
        parts.append(html_report.details(f"{client}: {len(rows)} {_plural(len(rows), 'issue')}", shown))
    return HTML("\n".join(part.data for part in parts))


def went_in(record: RunRecord) -> HTML:
    """The spreadsheets that were read, and a hash of their content: the same hash is the same plan."""
    rows = [
        [name, link(p.get("title"), p.get("url")), p.get("tab"), p["rows"], (p.get("content_sha256") or "")[:16]]
        for name, p in record.plans.items()
    ]
    return _table(["client", "spreadsheet", "tab", "rows", "content hash"], rows, numbers=["rows"])


def came_out(record: RunRecord) -> HTML:
    """The files of the run, with their sizes."""
    files = {name: path for name, path in files_of(record.folder).items() if not path.name.startswith(".")}
    rows = [[name, f"{path.stat().st_size / 1000:,.1f}"] for name, path in files.items()]
    return html_report.details(f"{len(rows)} files", _table(["file", "kB"], rows, numbers=["kB"]))


def notebooks(record: RunRecord) -> HTML:
    """How each notebook of the run ended, and at which cell it stopped if it did."""
    rows = [
        [n.client, n.path, n.status, n.failed_cell or "", n.error, f"{n.duration_s:,.1f}"]
        for n in sorted(record.notebooks, key=lambda ending: ending.status == "completed")
    ]
    return _table(["client", "notebook", "ended", "at cell", "error", "seconds"], rows, numbers=["at cell", "seconds"])


def parameters(record: RunRecord) -> HTML:
    """What the run was asked to do."""
    given = record.result.get("parameters", {})
    return _table(
        ["parameter", "value"], [[name, json.dumps(value, ensure_ascii=False)] for name, value in given.items()]
    )


def made_by(record: RunRecord) -> HTML:
    """Commit, versions, and the flow run in Prefect."""
    sources = record.result.get("sources", {})
    rows = [["commit", sources.get("commit")], *sources.get("versions", {}).items()]
    rows.append(["flow run in Prefect", record.result.get("flow_run_id")])
    return _table(["made by", "version"], rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()) -> HTML:
    listed = list(rows)
    return html_report.table(columns, listed, numbers=numbers) if listed else html_report.sentence(_NOTHING)


def _what(row: Mapping[str, Any]) -> Markup:
    """What a row is about, as its planner knows it."""
    told = " · ".join(filter(None, (row.get("key"), row.get("topic"), row.get("form"), _day(row))))
    return link(told, row.get("url"))


def _day(row: Mapping[str, Any]) -> str:
    """Its publication date as people read it."""
    day = row.get("publication_date")
    return show_date(dt.date.fromisoformat(day)) if day else ""


def _cell_address(record: RunRecord, problem: Mapping[str, Any]) -> str | None:
    """Where a browser shows the cell; None when the problem is not in a plan's cell."""
    plan = record.plans.get(record.plan_name(problem), {})
    _, found, cell = problem["cell"].rpartition("!")
    if not found or not plan.get("url") or plan.get("tab_id") is None:
        return None
    return f"{plan['url']}#gid={plan['tab_id']}&range={cell}"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
