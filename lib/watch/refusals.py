"""Why rows have no issue, as far as the newest run that checked their plan told. Pure: run folders are read, nothing is written."""

import functools
from pathlib import Path

from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import ROWS
from lib.messages import Said, say
from lib.plan import rows_file
from lib.plan.content_plan import ContentPlan
from lib.plan.problems import Problem, said
from lib.run import run_record
from lib.watch.plan_watch import Finding, Findings, no_issue

_LOOKED_AT = 200  # runs, the newest ones


class Refusals:
    """What runs other than those of the watch said of the rows that they refused."""

    def __init__(self, output_dir: Path, watch: str) -> None:
        """`watch` is the name of the watch's own flow."""
        self._output_dir, self._watch = output_dir, watch

    def explain(self, plan: ContentPlan, findings: Findings) -> Findings:
        """The findings; a row without an issue, whose content was refused as it is now, says why."""
        if not any(map(_has_no_issue, findings.data)):
            return findings
        known, now = self._refused(plan.spreadsheet_id), {row.row: row.fingerprint for row in plan.rows}
        for finding in filter(_has_no_issue, findings.data):
            found = known.get(now[finding.row or 0], [])
            finding.problems = [
                Problem.of(
                    plan.address(finding.row or 0, label), say("has no issue, since it was refused: {why}", why=why)
                )
                for label, why in found
            ] or finding.problems
        return findings

    def _refused(self, spreadsheet_id: str) -> dict[str, list[tuple[str, Said]]]:
        """Content of a row, by its fingerprint -> labels of its cells, and what was wrong with each."""
        if spreadsheet_id not in self._newest:
            return {}
        folder, name = self._newest[spreadsheet_id]
        try:
            record = run_record.read_result(folder)
            then = rows_file.load(folder / (record.plans[name].get("folder") or "") / ROWS)
        except FixInputError:  # archived or changed since
            return {}
        rows = {row.row: row for row in then.rows}
        labels = {then.address(row.row, column.label): column.label for row in then.rows for column in then.columns}
        return {
            rows[row["row"]].fingerprint: [
                (labels.get(problem["where"], ""), said(problem))
                for problem in row["problems"]
                if problem["level"] == "error"
            ]
            for row in record.rows
            if row["outcome"] == Outcome.REFUSED and record.plan_name(row) == name and row["row"] in rows
        }

    @functools.cached_property
    def _newest(self) -> dict[str, tuple[Path, str]]:
        """Spreadsheet -> the newest run that read it, and the plan's name there."""
        found: dict[str, tuple[Path, str]] = {}
        others = (path for path in run_record.run_folders(self._output_dir) if run_record.flow_of(path) != self._watch)
        for folder in [*others][:_LOOKED_AT]:
            try:
                plans = run_record.read_head(folder).plans
            except FixInputError:
                continue
            for name, plan in plans.items():
                if plan.get("rows"):
                    found.setdefault(str(plan.get("spreadsheet_id")), (folder, name))
        return found


def _has_no_issue(finding: Finding) -> bool:
    return [problem.message for problem in finding.problems] == [no_issue()]
