"""Schedules of people who edit a plan and its issues while passes of the update go over them, fail, and die.

Each value that a person types is one of its own, so that whoever looks knows whose it is and where it went.
"""

import asyncio
import datetime as dt
import json
import random
import uuid

from lib.error_record import record_of
from lib.errors import WorkflowError
from lib.plan import adf
from lib.update.three_way import State
from tests.direct import DirectUpdate, Killed
from tests.proof.events import met
from tests.proof.plan_tab import TAB, identity
from tests.proof.schedule import Life, Living, Schedule
from tests.proof.script import BATCH, BOOK, COMMON, FETCH, WRITES, Event, Play, Script

SEND, HISTORY = "editIssue", "getBulkChangelogs"
REQUESTS = (SEND, SEND, HISTORY, FETCH, BOOK, BATCH)
SENDS = {
    **WRITES,
    "refuse-whole": "all refused",
    "401": "login refused",
    "403": "not allowed",
    "late-apply": "applied late",
}
FAULTS = {SEND: SENDS, HISTORY: COMMON, FETCH: COMMON, BOOK: COMMON, BATCH: WRITES}
STATUSES = ("501", "520")
DUE = "duedate"
PLAN_EDITS = ("plan topic", "plan date", "change", "insert", "move", "sort")
ISSUE_EDITS = ("issue summary", "issue due date", "issue note", "issue done", "issue back to work")
DONE, TO_DO = {"id": "10001"}, {"id": "10000"}


def draw(seed: int) -> Script:
    """The schedule of that seed."""
    chance = random.Random(f"update {seed}")
    plays = tuple(_play(chance) for _ in range(chance.choice((1, 2, 2, 3))))
    return Script(seed, rows=chance.choice((1, 1, 2, 3)), bad=0.0, plays=plays)


def _play(chance: random.Random) -> Play:
    events = [_edit(chance, at=chance.choice(REQUESTS)) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    events += [_fault(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    dying = chance.random()
    if dying < 0.15:
        at = chance.choice(REQUESTS)
        events.append(Event("kill", at, chance.randint(0, 2), when=chance.choice(("before", "after"))))
    elif dying < 0.25:
        events.append(Event("kill at a call", after=chance.randint(5, 60)))
    later = [_edit(chance) for _ in range(chance.choice((1, 2, 3, 4)))]
    if chance.random() < 0.4:  # right as that field is sent
        field = chance.choice((("plan topic", "issue summary"), ("plan date", "issue due date")))
        later.append(Event("edit", name=field[0], chance=chance.randrange(10**6)))
        events.append(Event("edit", SEND, name=field[1], chance=chance.randrange(10**6)))
    machine, wait_s = chance.choice((0, 0, 1)), chance.choice((1, 100, 400))
    return Play(machine=machine, events=tuple(events), wait_s=wait_s, later=tuple(later))


def _edit(chance: random.Random, at: str = "") -> Event:
    name = chance.choice((*PLAN_EDITS, *ISSUE_EDITS, *ISSUE_EDITS[:3]))
    after = chance.randint(0, 2) if at else 0
    return Event("edit", at, after, when=chance.choice(("before", "after")), name=name, chance=chance.randrange(10**6))


def _fault(chance: random.Random) -> Event:
    at = chance.choice((SEND, SEND, SEND, HISTORY, FETCH, BOOK, BATCH))
    kind = chance.choice(list(FAULTS[at]))
    options: tuple[tuple[str, object], ...] = ()
    if kind == "late-apply":
        options = (("delay_s", chance.choice((1, 30, 250))),)
    elif kind.startswith("status"):
        options = (("status", int(chance.choice(STATUSES))),)
    after = chance.choice((0, 0, 1, 2))
    return Event(kind, at, after, chance.choice((1, 1, 2)), name=FAULTS[at][kind], options=options)


class UpdateSchedule(Schedule):
    """
    A script being played. `typed` is what people wrote into issues, `told` what runs said, both in their order.

    `requests` are the operations that the last pass of the script asked for.
    """

    def __init__(self, *given):
        super().__init__(*given)
        self.typed: dict[tuple[str, str], list[str]] = {}
        self.told: list[str] = []
        self.number = 0
        self.passes = False
        self.requests: list[str] = []

    # --- What people do -----------------------------------------------------------------------------------------------

    def happen(self, event, life=None):
        if event.what != "edit":
            return super().happen(event, life)
        if life is not None and life.dead:
            return None
        self.said.append(event.name)
        chance = random.Random(event.chance)
        self.number += 1
        if event.name.startswith("issue"):
            self.edit_issue(event.name.removeprefix("issue "), chance)
        elif event.name.startswith("plan"):
            self.edit_plan(event.name.removeprefix("plan "), chance)
        else:
            self.plan.edit(event.name, event.chance)
            return None
        met(event.name)
        return None

    def edit_plan(self, what, chance):
        self.plan.check_untouched()
        row = chance.choice(list(self.plan.rows()))
        name, text = (
            ("Topik", f"Rencana {self.number}") if what == "topic" else ("Tanggal", f"{self.number % 28 + 1} Juli 2026")
        )
        self.plan._write(row, name, text)
        self.plan.remember()

    def edit_issue(self, what, chance):
        issue = chance.choice([one for made in self.issues(self.plan).values() for one in made])
        if what in ("done", "back to work"):
            self.box.jira.edit_issue(issue.key, status=DONE if what == "done" else TO_DO)
            return
        if what == "note":
            text = f"catatan-{self.number}-"
            document = issue.fields["description"]
            words = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
            content = [*document["content"], words] if chance.random() < 0.5 else [words, *document["content"]]
            self.box.jira.edit_issue(issue.key, description={**document, "content": content})
            self.typed.setdefault((issue.key, "description"), []).append(text)
            return
        field = "summary" if what == "summary" else DUE
        text = (
            f"Orang-{self.number}-"
            if what == "summary"
            else (dt.date(2027, 1, 1) + dt.timedelta(self.number)).isoformat()
        )
        self.box.jira.edit_issue(issue.key, **{field: text})
        self.typed[issue.key, field] = [text]  # what a person replaced is not ours to tell

    # --- Passes -------------------------------------------------------------------------------------------------------

    def run(self, play, plan=None):
        """One pass; None when it was killed. The first one makes the issues."""
        if not self.passes:
            return super().run(play, plan)
        self.runs += 1
        life = Life(self.clock)
        faults = self.set_up(play, life)
        run = DirectUpdate(
            Living(self.google, life),
            Living(self.jira, life),
            spreadsheet_id=self.plan.id,
            folder=self.folder / str(self.runs),
            locks=self.folder / f"machine-{play.machine}",
            clock=life,
        )
        flow_run = uuid.UUID(int=self.runs)
        try:
            asyncio.run(run.make(flow_run=flow_run, has_ended=self.has_ended))
        except Killed:
            self.said.append(f"pass {self.runs} was killed")
            return None
        except WorkflowError as error:
            self.said.append(f"pass {self.runs} ended: {error}")
            run.plan_run.stop(record_of(error))
        finally:
            self.ended.add(flow_run)
            run.local.release()
            for event, fault in faults:
                if happened := event.times - fault.times:
                    met(event.name, happened)
            self.box.clear_faults()
        result = run.plan_run.result
        problems = [problem.message for row in result.rows for problem in row.problems]
        # What a run sent over a value that was not the one sent before is told by a problem, or it was a guess.
        fields = [one for fields in run.plan_run.changes().values() for one in fields]
        fair = [one for one in fields if one["state"] != State.UPDATED or one["sent"] == one["jira"]]
        self.told.append(json.dumps([problems, fair], ensure_ascii=False))
        self.said.append(f"pass {self.runs}: { {n: c for n, c in result.counts().items() if c} }")
        return run.plan_run

    def play(self):
        """All of the script, and passes in which nothing happens."""
        self.run(Play())
        self.passes = True
        for play in self.script.plays:
            for event in play.later:
                self.happen(event)
            begun = len(self.box.journal)
            self.run(play)
            self.requests = [entry.operation for entry in self.box.journal[begun:]]
            self.plan.check_untouched()
            self.clock.move(play.wait_s)
        self.clock.move(500)
        for _ in range(2):
            self.run(Play())
        self.check_finished(self.run_calmly())

    def run_calmly(self):
        """A pass with nothing to do: it sends nothing, and leaves nothing in the spreadsheet."""
        sent, version = self.box.calls(SEND), self.box.google.files[self.plan.id].version
        last = self.run(Play())
        assert self.box.calls(SEND) == sent, "there was still something to send after two calm passes"
        assert self.box.google.files[self.plan.id].version == version, "a calm pass wrote into the spreadsheet"
        return last

    # --- What must hold -----------------------------------------------------------------------------------------------

    def check_finished(self, last):
        assert last is not None
        assert not last.result.error, last.result.error
        self.plan.check_untouched()
        for (key, field), texts in self.typed.items():
            stands = _shown(self.box.jira.issue(key).fields[field])
            for text in texts:
                assert text in stands or any(text in told for told in self.told), (
                    f"{key}, {field}: what a person wrote, {text!r}, is gone, and no run said it"
                )
        changes, cells = last.changes(), self.plan.rows()
        for number, row in cells.items():
            if not row["Key"]:
                continue
            fields = self.box.jira.issue(row["Key"]).fields
            told = {one["field"] for one in changes.get(number, ())}
            mine = identity(row["Caption"])
            if fields["summary"] != row["Topik"]:
                assert "summary" in told, f"{mine}: plan and issue differ in the summary, and nobody is told"
            if fields[DUE] != _due(row["Tanggal"]):
                assert DUE in told, f"{mine}: plan and issue differ in the due date, and nobody is told"
            if row["Caption"] not in _shown(fields["description"]):
                assert "description" in told, f"{mine}: plan and issue differ in the description, and nobody is told"
        named = self.google.api.read_spreadsheet(self.plan.id).named_ranges
        assert named == {}, "a lock or another named range was left"


def _shown(value):
    return adf.plain_text(value) if isinstance(value, dict) else str(value)


def _due(text):
    return (dt.date(2026, 7, int(text.split()[0])) - dt.timedelta(1)).isoformat()


__all__ = ["TAB", "UpdateSchedule", "draw"]
