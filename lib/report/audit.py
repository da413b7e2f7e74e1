"""The report of one run: sentences and tables that a manager reads, made of what the run left in its folder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from IPython.display import HTML
from markupsafe import Markup

from lib.error_record import errors_of
from lib.exactly_once.reconcile import Outcome
from lib.files import CORRECTIONS, ROWS
from lib.formats import plural, show_moment
from lib.messages import say
from lib.plan.problems import Kind, said
from lib.report import corrections, html_report, languages
from lib.report.corrections import STOPPED, ToDo, cell_address, day_of, page_of, plan_problems, show_kind, show_since
from lib.report.history import History
from lib.report.html_report import file_link, link
from lib.report.languages import label, labels
from lib.run.run_folder import files_of
from lib.run.run_record import RunRecord
from lib.settings import Language

NO_PLAN = "no plan"  # state of a plan that a watch did not find, and that may not be written yet
NOT_REACHED = "not reached"  # of the ready rows, those that the run did not come to
_MEANING: Mapping[str, str] = {
    Outcome.CREATED: "this run made its issue",
    Outcome.EXISTING: "it already had its issue",
    Outcome.UPDATED: "what the plan changed since was carried over to its issue",
    Outcome.READY: "no issue was made of it, and nothing is wrong with it that we know of",
    NOT_REACHED: "no issue was made of it, since the run ended before; the table below says why",
    Outcome.REFUSED: "our checks stopped it",
    Outcome.REJECTED: "Jira refused it",
    Outcome.UNCERTAIN: "its issue may exist or was not looked for, or its key is not in its row yet; the next run settles it",
    Outcome.FLAGGED: "a person must decide",
}
_PHRASES: Mapping[str, tuple[str, str]] = {
    NOT_REACHED: ("row was not reached", "rows were not reached"),
    Outcome.CREATED: ("issue was created", "issues were created"),
    Outcome.EXISTING: ("row had its issue already", "rows had their issues already"),
    Outcome.UPDATED: ("issue was brought up to date", "issues were brought up to date"),
    Outcome.READY: ("row has no issue yet", "rows have no issues yet"),
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
_NAMED = 5  # plans that a sentence names
_SHOWN = 200  # records that a table shows
_ON_A_PHONE = 2  # columns of words for which a phone is wide enough; it shows the rows of others as cards
_STOPPED_MEANS = "the plan could not be read or finished; what to do says why"


def title(result: Mapping[str, Any]) -> str:
    """What a run's page is called: `content-plan-to-jira, Juli 2026: completed`."""
    what = ", ".join(filter(None, (result["flow"], " and ".join(result.get("months", [])))))
    return f"{what}: {result['state']}"


def heading(record: RunRecord) -> HTML:
    """Which run this is: flow, months, clients, when, and whether it was a sandbox or a rerun."""
    result, given = record.result, record.result.get("parameters", {})
    where = "on the sandbox, with invented clients" if result.get("sandbox") else ""
    kind = "looked only, nothing was written" if given.get("validate_only") else ""
    again = f"a rerun of {result['rerun_of']}" if result.get("rerun_of") else ""
    began = f"began {show_moment(record.started_at)}, took {plural(round(record.duration_s), 'second')}"
    parts = [record.flow, " and ".join(record.months), began, where, kind, again]
    return html_report.sentence(" · ".join(filter(None, parts)))


def bottom_line(result: Mapping[str, Any]) -> str:
    """A run's result in a few sentences, what went wrong first; the numbers add up to the rows."""
    blocking = len(result.get("blocking", []))
    found = f"{plural(blocking, 'problem')} would block the making of issues." if blocking else ""
    return " ".join(filter(None, (_failure(result), _done(result), found, str(result.get("news", "")))))


def _failure(result: Mapping[str, Any]) -> str:
    """What stopped the run, or which clients' plans could not be finished."""
    if result.get("state") == "cancelled":
        return "The run was cancelled before it was finished; run it again."
    found = errors_of(result)
    failed = [error for error in found if error.client]
    sentences = [str(error) for error in found if not error.client or len(failed) == 1]
    if len(failed) > 1:
        of_all = f"{len(failed)} of {plural(len(result.get('clients') or failed), 'plan')}"
        sentences.append(f"{of_all} could not be read or finished: {_list([error.client for error in failed])}")
    return " ".join(f"The run failed: {error.rstrip('.')}." for error in sentences)


def _done(result: Mapping[str, Any]) -> str:
    """What the run did, in its own words if it has any."""
    if result.get("done"):
        return str(result["done"])
    summary: Mapping[str, Any] = result.get("summary", {})
    rows, clients = summary.get("rows", 0), len(summary.get("clients", {}))
    plans: Mapping[str, Mapping[str, Any]] = result.get("clients", {})
    if result.get("error") and not rows:
        return _no_rows(result)
    if plans and all(plan.get("state") == NO_PLAN for plan in plans.values()):
        return f"There is no plan of {' or '.join(result.get('months', []))} yet."
    sentences = [f"{count} {_phrase(name, result)[count != 1]}" for name, count in split(summary).items() if count]
    return f"{plural(rows, 'row')} of {plural(clients, 'client')}: {', '.join(sentences) or 'nothing to do'}."


def split(counts: Mapping[str, int]) -> dict[str, int]:
    """Rows per outcome, of which the ready ones that the run did not come to have a name of their own."""
    not_reached = counts.get(Kind.NOT_REACHED, 0)
    counted = {str(outcome): counts.get(outcome, 0) for outcome in Outcome}
    return {**counted, Outcome.READY: counted[Outcome.READY] - not_reached, NOT_REACHED: not_reached}


def _no_rows(result: Mapping[str, Any]) -> str:
    """What is true of a run that stopped and counts no row; one on a worker may have done more than is known of it."""
    names = [name for name, plan in _failed(result).items() if plan.get("flow_run_id") and not plan.get("run")]
    if not names:
        return "No row was read."
    runs = "runs on workers" if len(names) > 1 else "run on a worker"
    return f"What the {runs} did for {_list(names)} is not known here; each leaves a run folder and report of its own."


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{'; '.join(names[:_NAMED])}{more}"


def _phrase(outcome: str, result: Mapping[str, Any]) -> tuple[str, str]:
    if outcome == Outcome.READY and result.get("flow") == "content-plan-update":
        return (
            "row has changes that were not sent, or no issue yet",
            "rows have changes that were not sent, or no issues yet",
        )
    if outcome == Outcome.READY and result.get("parameters", {}).get("validate_only"):
        return ("row is good; as asked, its issue was not made", "rows are good; as asked, no issues were made")
    return _PHRASES[outcome]


def _failed(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The plans that could not be read or finished, by client (and month, in a watch)."""
    return {name: plan for name, plan in result.get("clients", {}).items() if plan.get("error")}


def show_bottom_line(record: RunRecord, past: History | None = None) -> HTML:
    """How the run ended, in a word and in its colour, and the bottom line."""
    refused = record.state == "completed" and record.counts.get(Outcome.REFUSED)
    word = f"{record.state}, with corrections to make" if refused else record.state
    text = " ".join(filter(None, (bottom_line(record.result), _uncounted(record), _news(past or History()))))
    shown = Markup("<b>{}</b> · {}").format(word.capitalize(), html_report.cell(text))
    return html_report.sentence(shown, kind="attention" if refused else _KIND.get(record.state, "note"))


def _news(found: History) -> str:
    """What is new, solved and still open since the run before."""
    if not found.runs or not (found.new or found.still_open or found.solved):
        return ""
    counts = {"new": found.new, "solved": len(found.solved), "still open": found.still_open}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"Since the run before ({show_moment(found.runs[0].started_at)}): {told}."


def solved(past: History) -> HTML:
    """The rows that waited for a person in the run before and do not any more."""
    rows = [[one.client, one.row["row"], _what(one.row), one.row["outcome"], one.now] for one in past.solved]
    return _table(["client", "row", "content", "then", "now"], rows, numbers=["row"])


def _uncounted(record: RunRecord) -> str:
    """What lies in the run's folder although its result does not tell of it."""
    if not record.result.get("error"):
        return ""
    counted = {plan["folder"] for plan in record.plans.values() if plan.get("folder") and plan.get("rows")}
    left = [
        f for name in files_of(record.folder) if name.endswith(f"/{ROWS}") and (f := name.split("/")[0]) not in counted
    ]
    if not left:
        return ""
    verb = "lies" if len(left) == 1 else "lie"
    return f"Rows that were read and are not counted here {verb} in the run folder: {_list(left)}."


def counts(record: RunRecord) -> HTML:
    """Rows per client and outcome, and in all, with what the outcomes mean; what else a flow found, where rows have none."""
    outcomes = [name for name, count in split(record.counts).items() if count]
    stopped = {error.client for error in record.errors if error.client}
    if not outcomes and not stopped:
        return _own_records(record)
    names = ["rows", *outcomes]
    clients: Mapping[str, Mapping[str, int]] = record.result.get("summary", {}).get("clients", {})
    rows: list[list[object]] = []
    for client, counted in (*clients.items(), (Markup("<b>all</b>"), record.counts)):
        has = {"rows": counted.get("rows", 0), **split(counted)}
        name = link(client, page_of(record, client))
        ended = len(stopped) if isinstance(client, Markup) else STOPPED if client in stopped else "·"
        rows.append([name, *([ended] if stopped else []), *(has[name] or "·" for name in names)])
    meanings = [(name, _MEANING[name]) for name in outcomes]
    meaning = html_report.legend([*([(STOPPED, _STOPPED_MEANS)] if stopped else []), *meanings])
    columns = ["client", *([STOPPED] if stopped else []), *names]
    return HTML(html_report.table(columns, rows, numbers=names).data + meaning.data)


def _own_records(record: RunRecord) -> HTML:
    records: Sequence[Mapping[str, Any]] = record.result.get("data", [])
    if not records:
        return html_report.nothing()
    columns = list(dict.fromkeys(name for one in records for name in one))
    shown = [[one.get(name) for name in columns] for one in records[:_SHOWN]]
    more = html_report.sentence(f"The first {_SHOWN} of {len(records):,}; result.json has them all.")
    return HTML(_table(columns, shown).data + (more.data if len(records) > _SHOWN else ""))


def to_do_table(listed: Sequence[ToDo], language: Language = "") -> HTML:
    """What a person has to do, a row each: in which cell, what is wrong, what to write instead, and since when."""
    aged = any(one.since for one in listed)
    rows = [
        [
            label(show_kind(one.kind), language),
            one.client or label(say("all"), language),
            link(one.where, one.address),
            languages.shown(one.message, language),
            _what(one.row),
            *([label(show_since(one.since), language)] if aged else []),
        ]
        for one in listed
    ]
    told = (say("kind"), say("client"), say("cell"), say("what to do"), say("content"))
    columns = labels([*told, *([say("since")] if aged else [])], language)
    return html_report.table(columns, rows, cards=True) if rows else html_report.nothing(label(say("None."), language))


def to_do(record: RunRecord, past: History | None = None, language: Language = "") -> HTML:
    """What a person has to do, most urgent first, and where it lies as a table for spreadsheets."""
    shown = to_do_table(corrections.to_do(record, past), language)
    if not (record.folder / CORRECTIONS).is_file():
        return shown
    text = Markup("{}: {}").format(
        label(say("The corrections as a table for spreadsheets"), language), file_link(CORRECTIONS, CORRECTIONS)
    )
    return HTML(shown.data + html_report.sentence(text).data)


def not_reached(record: RunRecord, language: Language = "") -> HTML:
    """The rows whose issues were to be made and were not tried, by client and reason."""
    found: dict[tuple[str, Markup], list[int]] = {}
    for row in record.rows:
        for problem in row["problems"]:
            if problem["kind"] == Kind.NOT_REACHED:
                found.setdefault((row["client"], languages.shown(said(problem), language)), []).append(row["row"])
    rows = [[client, len(numbers), _spans(numbers), why] for (client, why), numbers in found.items()]
    columns = labels((say("client"), say("how many"), say("rows"), say("why")), language)
    return _table(columns, rows, numbers=columns[1:2])


def _spans(numbers: Iterable[int]) -> str:
    """Row numbers as people write them: `5–9, 12`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join("–".join(str(end) for end in span) for span in spans)


def warnings(record: RunRecord, language: Language = "") -> HTML:
    """What is odd and stops nothing."""
    odd = plan_problems(record, "warning")
    odd += [
        {"client": row["client"], **problem}
        for row in record.rows
        for problem in row["problems"]
        if problem["level"] == "warning"
    ]
    odd = record.result.get("warnings", odd)
    rows = [
        [
            p["client"] or label(say("all"), language),
            link(p["where"], cell_address(record, p)),
            languages.shown(said(p), language),
        ]
        for p in odd
    ]
    return _table(labels((say("client"), say("cell"), say("what is odd")), language), rows)


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
        return html_report.nothing()
    parts = []
    for client in dict.fromkeys(row["client"] for row in wanted):
        rows = [row for row in wanted if row["client"] == client]
        parts.append(html_report.details(f"{client}: {plural(len(rows), 'issue')}", issue_table(rows)))
    return HTML("\n".join(part.data for part in parts))


def issue_table(rows: Iterable[Mapping[str, Any]], language: Language = "") -> HTML:
    """The issues of these rows, each a link."""
    shown = [
        [link(row["key"], row.get("url")), row["row"], day_of(row), row.get("form"), row.get("topic")] for row in rows
    ]
    columns = labels((say("issue"), say("row"), say("date"), say("form"), say("topic")), language)
    return html_report.table(columns, shown, numbers=columns[1:2])


def went_in(record: RunRecord) -> HTML:
    """The spreadsheets that were read, and a hash of their content: the same hash is the same plan."""
    rows = [
        [
            name,
            link(p.get("title") or ("folder" if p.get("folder_url") else p.get("state")), page_of(record, name)),
            p.get("tab"),
            p["rows"],
            (p.get("content_sha256") or "")[:16],
        ]
        for name, p in record.plans.items()
    ]
    return _table(["client", "spreadsheet", "tab", "rows", "content hash"], rows, numbers=["rows"])


def came_out(record: RunRecord) -> HTML:
    """The files of the run, with their sizes."""
    files = {name: path for name, path in files_of(record.folder).items() if not path.name.startswith(".")}
    rows = [[file_link(name, name), f"{path.stat().st_size / 1000:,.1f}"] for name, path in files.items()]
    return html_report.details(f"{len(rows)} files", _table(["file", "kB"], rows, numbers=["kB"]))


def notebooks(record: RunRecord) -> HTML:
    """How each notebook of the run ended, and at which cell it stopped if it did."""
    rows = [
        [n.client, file_link(n.path, n.path), n.status, n.failed_cell or "", n.error, f"{n.duration_s:,.1f}"]
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
    rows.append(["flow run in Prefect", link(record.result.get("flow_run_id"), record.result.get("flow_run_url"))])
    return _table(["made by", "version"], rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()) -> HTML:
    listed, cards = list(rows), len(columns) > _ON_A_PHONE
    return html_report.table(columns, listed, numbers=numbers, cards=cards) if listed else html_report.nothing()


def _what(row: Mapping[str, Any]) -> Markup:
    """What a row is about, as its planner knows it."""
    text = " · ".join(filter(None, (row.get("key"), row.get("topic"), row.get("form"), day_of(row))))
    return link(text, row.get("url"))
