"""Run folders as a run leaves them, made without a run."""

import datetime as dt

from lib import files
from lib.error_record import ErrorRecord, in_result
from lib.exactly_once.plan_run import PlanResult
from lib.files import DRAFTS, RESULT, ROWS
from lib.plan import rows_file
from lib.plan.content_plan import PlanSource
from lib.plan.parsing import parse
from lib.report import audit
from lib.run import run_folder
from lib.run.run_folder import Sources
from lib.services.models import TabCells

OUTCOMES = ("created", "existing", "updated", "ready", "refused", "rejected", "uncertain", "flagged")
START = dt.datetime(2026, 6, 25, 1, 0, tzinfo=dt.UTC)


def row(number, outcome="created", *, topic=None, client="Kopi Senja", problems=(), **more):
    key = f"CP-{number}" if outcome in ("created", "existing") else None
    return {
        "client": client,
        "spreadsheet_id": f"id of {client}",
        "tab": "Juli",
        "row": number,
        "topic": f"Topik {number}" if topic is None else topic,
        "publication_date": f"2026-07-{number % 28 + 1:02}",
        "form": "Post",
        "outcome": outcome,
        "key": key,
        "url": f"https://jira.example.com/browse/{key}" if key else None,
        "problems": list(problems),
        **more,
    }


def problem(message, where="'Juli'!B7", level="error", kind="cell", **more):
    return {"where": where, "message": message, "level": level, "kind": kind, **more}


def counts(rows):
    not_reached = [one for one in rows if any(problem["kind"] == "not_reached" for problem in one["problems"])]
    outcomes = {name: sum(one["outcome"] == name for one in rows) for name in OUTCOMES}
    return {"rows": len(rows), **outcomes, "not_reached": len(not_reached)}


def leave(output, rows, *, flow="content-plan-to-jira", at=START, plans=None, seconds=12, error="", **result):
    """A finished run with these rows; its folder."""
    folder = run_folder.create(output, flow, at)
    names = list(dict.fromkeys(one["client"] for one in rows))
    by_client = {name: [one for one in rows if one["client"] == name] for name in names}
    summary = {**PlanResult().counts(), **counts(rows), "clients": {n: counts(found) for n, found in by_client.items()}}
    known = {
        name: {
            **counts(found),
            "title": f"Content Plan - {name} - Juli 2026",
            "tab": "Juli",
            "tab_id": 5,
            "url": "https://sheets.example.com/d/1/edit",
            "content_sha256": "ab" * 32,
            "folder": None,
            "seconds": {"read the plan": 0.5, "run the notebook": 2.5},
            "problems": [],
            **(plans or {}).get(name, {}),
        }
        for name, found in by_client.items()
    }
    errors = [ErrorRecord(error, "unforeseen")] if error else []
    errors += [ErrorRecord(p["error"], "unforeseen", name) for name, p in (plans or {}).items() if p.get("error")]
    sources = Sources(versions={"python": "3.13.0"}, commit="0123abc", files={"hashmap.py": "00" * 32})
    sections = {
        "start_time": files.iso_utc(at),
        "end_time": files.iso_utc(at + dt.timedelta(seconds=seconds)),
        "flow": flow,
        "state": "failed" if errors else "completed",
        "parameters": {"target_month": "Juli 2026", "validate_only": False},
        "months": ["Juli 2026"],
        "run_folder": str(folder),
        "sources": {"versions": sources.versions, "commit": sources.commit, "files": sources.files},
        "summary": summary,
        "clients": known,
        **in_result(errors),
        **result,
    }
    sections = {"bottom_line": audit.bottom_line(sections), **sections}
    files.write_json(folder / RESULT, rows, workflow=flow, source="list", **sections)
    run_folder.write_manifest(folder, workflow=flow, parameters=sections["parameters"], sources=sources)
    return folder


def leave_plan(folder, name, cells, drafts=()):
    """The rows and drafts of one client, as the run read and made them."""
    source = PlanSource(client=name, spreadsheet_id="1", title="Plan", tab="Juli", tab_id=5)
    plan = parse(source, TabCells(cells, [[str(cell) for cell in line] for line in cells]))
    rows_file.save(plan, folder / "kopi-senja" / ROWS, workflow="flow")
    files.write_json(folder / "kopi-senja" / DRAFTS, list(drafts), workflow="notebook", source="1")
