"""Plays one script: runs over a plan under its events, with everything that must hold checked after each."""

import asyncio
import datetime as dt
import random
import re
import threading
import uuid

from lib.error_record import record_of
from lib.errors import WorkflowError
from lib.exactly_once.reconcile import Outcome, plan_label
from lib.plan.keys import is_token, read_key
from tests.direct import DirectGoogle, DirectJira, DirectRun, Killed, google_api, jira_api
from tests.proof.events import met
from tests.proof.plan_tab import PlanTab, identity
from tests.proof.script import CREATE, Play, Script

LONG_S = 3  # a wait in which a process dies, or another run comes and goes
FLOOD = 130  # newer issues that the index has, while it never gets ours
_ours = threading.local()


def clients(box, clock):
    """The real clients. Where they would wait, the run of this thread lives on: its time moves, or it dies."""

    def wait(seconds):
        life = getattr(_ours, "life", None)
        life.wait(seconds) if life else clock.move(seconds)

    google = DirectGoogle(google_api(box.environment(), sleep=wait))
    jira = DirectJira(jira_api(box.environment(), sleep=wait, timeout_s=(5, 5)))
    return google, jira


class Life:
    """One run's life: its calls and waits, in each of which it may die. Also its clock, which may be wrong."""

    def __init__(self, clock, wrong_s=0.0):
        self.clock, self.wrong_s = clock, wrong_s
        self.dead = False
        self.calls = self.waits = 0
        self.dies_at_call = self.dies_in_wait = None
        self.overtaken_in_wait, self.overtake = None, None
        self.overtaken = False

    def now(self):
        return dt.datetime.fromtimestamp(self.clock.seconds + self.wrong_s, dt.UTC)

    async def sleep(self, seconds):
        self.wait(seconds)

    def wait(self, seconds):
        self.check()
        if seconds >= LONG_S:
            self.waits += 1
            if self.waits == self.dies_in_wait:
                met("killed in a wait")
                self.dead = True
            if self.waits == self.overtaken_in_wait:
                met("overtaken in a wait")
                self.overtaken = True
                thread = threading.Thread(target=self.overtake)
                thread.start()
                thread.join()
        self.check()
        self.clock.move(seconds)

    def check(self):
        if self.dead:
            raise Killed

    def call(self):
        self.calls += 1
        if self.calls == self.dies_at_call:
            met("killed at a call")
            self.dead = True
        self.check()


class Living:
    """A port of a run that may die: before a call, or with its answer."""

    def __init__(self, port, life):
        self._port, self._life = port, life

    def __getattr__(self, name):
        call = getattr(self._port, name)

        async def living(*arguments, **options):
            self._life.call()
            try:
                return await call(*arguments, **options)
            finally:
                self._life.call()

        return living


class Schedule:
    """A script being played against the sandbox."""

    def __init__(self, box, clock, folder, script: Script, made):
        self.box, self.clock, self.folder, self.script = box, clock, folder, script
        self.google, self.jira = made
        self.chance = random.Random(script.seed)
        self.runs = 0
        self.machines = []
        self.ended = set()
        self.flooded = False
        self.said = []
        self.problems = []
        self.plan_site()
        self.plan = PlanTab(box, self.chance, rows=script.rows, key_column=script.key_column, bad=script.bad)

    def plan_site(self):
        """The project as it is before: its first key, and issues of other people, which the index has."""
        project = self.box.jira.state.projects["CP"]
        if self.script.first_key > 1:
            for issue in [issue for issue in self.box.jira.issues if issue.project == "CP"]:
                self.box.jira.delete_issue(issue.key)
            self.box.jira.state.deleted.clear()
            project.next_number = max(project.next_number, self.script.first_key)
        self.add_issues(self.script.others)
        self.clock.move(10)

    def add_issues(self, count):
        for number in range(count):
            self.box.jira.add_issue("CP", {"summary": f"Of somebody else {number}"})

    # --- Events -------------------------------------------------------------------------------------------------------

    def happen(self, event, life=None):
        """What happens at a request, while the box is locked, or between runs."""
        if life is not None and life.dead:
            return  # nobody is there any more to whom it could happen
        if event.what == "edit":
            self.said.append(event.name)
            self.plan.edit(event.name, event.chance)
        elif event.what == "kill":
            met("killed at a request")
            life.dead = True
        elif event.name != "file copied":
            self.said.append(event.name)
            self.others(event.name, random.Random(event.chance))

    def others(self, name, chance):
        ours = [issue for issue in self.box.jira.state.issues.values() if plan_label(self.plan.id) in issue.labels]
        if name == "issues of others":
            self.add_issues(chance.choice((1, 5, 40)))
        elif name == "gap of keys":
            self.box.jira.state.projects["CP"].next_number += chance.choice((65, 90))
        elif not ours:
            return
        elif name == "issue moved":
            self.box.jira.move_issue(chance.choice(ours).key, "MAR")
        elif name == "never indexed":
            for entry in chance.choice(ours).index:
                entry.visible_at = float("inf")
            if not self.flooded:
                self.flooded = True
                self.add_issues(FLOOD)
        met(name)

    def set_up(self, play, life):
        """Queue the run's events; the faults, each with how often it may happen."""
        faults = []
        for event in play.events:
            if event.what in ("edit", "kill", "others"):
                self.box.fault(
                    event.at,
                    "edit",
                    edit=lambda event=event: self.happen(event, life),
                    when=event.when,
                    after=event.after,
                )
            elif event.what == "kill at a call":
                life.dies_at_call = event.after
            elif event.what == "die in a wait":
                life.dies_in_wait = 1 + event.chance % 3
            elif event.what == "overtake":
                life.overtaken_in_wait = 1 + event.chance % 3
                life.overtake = lambda: self.overtake(play)
            else:
                options = dict(event.options)
                fault = self.box.fault(event.at, event.what, times=event.times, after=event.after, **options)
                faults.append((event, fault))
        return faults

    def overtake(self, play):
        """While a run waits, Prefect takes it for ended, and another one on another machine comes and goes."""
        self.ended |= {self.flow_run}
        with self.box.lock:
            kept, self.box._service.faults._waiting = self.box._service.faults._waiting, []
        mine = self.flow_run
        try:
            self.run(Play(machine=1 - play.machine, lag_s=play.lag_s))
        except BaseException as error:  # noqa: BLE001  # it goes on where the schedule is played
            self.problems.append(error)
        finally:
            self.flow_run = mine
            with self.box.lock:
                self.box._service.faults._waiting = kept

    # --- Runs ---------------------------------------------------------------------------------------------------------

    def run(self, play, plan=None):
        """One run over a plan; None when it was killed. What it said is checked."""
        plan = plan or self.plan
        self.runs += 1
        number = self.runs
        life = Life(self.clock, play.clock_s)
        before = getattr(_ours, "life", None)
        _ours.life = life
        self.box.jira.index_lag_s = play.lag_s
        faults = self.set_up(play, life)
        self.tell(play)
        run = DirectRun(
            Living(self.google, life),
            Living(self.jira, life),
            spreadsheet_id=plan.id,
            folder=self.folder / str(self.runs),
            locks=self.folder / f"machine-{play.machine}",
            clock=life,
        )
        self.flow_run = flow_run = uuid.UUID(int=self.runs)
        try:
            asyncio.run(run.make(flow_run=flow_run, has_ended=self.has_ended))
        except Killed:
            self.said.append(f"run {number} was killed")
            return None
        except WorkflowError as error:
            self.said.append(f"run {number} ended: {error}")
            run.plan_run.stop(record_of(error))
        finally:
            self.ended.add(flow_run)
            run.local.release()  # as the end of a process does
            _ours.life = before
            for event, fault in faults:
                if happened := event.times - fault.times:
                    met(event.name, happened)
            if before is None:
                self.box.clear_faults()
        counts = {name: count for name, count in run.plan_run.result.counts().items() if count}
        self.said.append(f"run {number}: {counts}")
        self.check_said(run, plan, alone=not life.overtaken)
        return run.plan_run.result

    def tell(self, play):
        if play.lag_s > 2:
            met("lagging index")
        if play.clock_s:
            met("clock ahead" if play.clock_s > 0 else "clock behind")
        if self.machines and self.machines[-1] != play.machine:
            met("same machine again" if play.machine in self.machines else "other machine")
        self.machines.append(play.machine)

    async def has_ended(self, flow_run):
        return flow_run in self.ended

    def play(self):
        """All of the script."""
        for play in self.script.plays:
            self.run(play)
            self.check()
            self.clock.move(play.wait_s)
            for event in play.later:
                if event.name == "file copied":
                    met("file copied")
                    self.finish(self.plan.copy_file())
                else:
                    self.happen(event)
        self.clock.move(500)
        self.check_finished(self.finish(self.plan))

    def finish(self, plan):
        """Runs in which nothing happens: the first one may settle what was under way, the second one finishes."""
        for _ in range(2):
            result = self.run(Play(), plan)
            self.check(plan)
            self.clock.move(10)
        return result

    # --- What must hold -----------------------------------------------------------------------------------------------

    def issues(self, plan):
        """Identity -> the plan's issues that were made from that row."""
        made = {}
        for issue in self.box.jira.issues:
            if plan_label(plan.id) in issue.labels:
                made.setdefault(identity(issue.fields["description"]), []).append(issue)
        return made

    def check(self, plan=None):
        plan = plan or self.plan
        if self.problems:
            raise self.problems[0]
        made = self.issues(plan)
        doubled = {row: [issue.key for issue in issues] for row, issues in made.items() if len(issues) > 1}
        assert not doubled, f"a row has two issues: {doubled}"
        plan.check_untouched()
        owner = {key: row for row, issues in made.items() for issue in issues for key in (issue.key, *issue.old_keys)}
        for row in plan.rows().values():
            mine = identity(row["Caption"])
            if mine not in plan.touched and row["Key"] in owner:
                assert owner[row["Key"]] == mine, f"{mine} has the key of {owner[row['Key']]}"

    def check_said(self, run, plan, *, alone):
        """See that nothing that a run says of a row is untrue; what it did not send, another run may have made if it was not alone."""
        result = run.plan_run.result
        counts = result.counts()
        assert counts["rows"] == sum(counts[outcome] for outcome in Outcome), "the sum does not close"
        made = self.issues(plan)
        read = (
            {row.row: identity(row.values.get("Caption")) for row in run.plan_run.plan.rows}
            if run.plan_run.plan
            else {}
        )
        for row in result.rows:
            mine = read[row.row]
            if row.outcome in (Outcome.CREATED, Outcome.EXISTING):
                issue = self.box.jira.issue(row.key)
                assert plan_label(plan.id) in issue.labels, (
                    f"{mine}: {row.key} is said to be its issue, and is another plan's"
                )
                right = mine in plan.touched or identity(issue.fields["description"]) == mine
                assert right, f"{mine}: {row.key} is said to be its issue"
            if alone and row.outcome in (Outcome.READY, Outcome.REJECTED, Outcome.REFUSED) and mine not in plan.touched:
                assert mine not in made, f"{mine} is {row.outcome.value}, and has an issue"
            for key in re.findall(r"shows no issue (\S+):", " ".join(problem.message for problem in row.problems)):
                assert self.box.jira.state.find(key) is None, f"{mine}: {key} is said to be gone"

    def check_finished(self, result):
        assert result is not None
        assert not result.error, result.error
        plan, made = self.plan, self.issues(self.plan)
        rows = plan.rows()
        flagged = {
            identity(rows[row.row]["Caption"])
            for row in result.rows
            if row.outcome is Outcome.FLAGGED and row.row in rows
        }
        inherited = {
            key for mine in plan.deleted for issue in made.get(mine, ()) for key in (issue.key, *issue.old_keys)
        }
        for row in rows.values():
            mine = identity(row["Caption"])
            if mine in plan.touched and row["Key"] in inherited:
                continue  # copied and the original deleted: that is the same row, edited
            if row["Topik"] and mine not in flagged:
                assert len(made.get(mine, [])) == 1, f"{mine} has no issue"
                keys = (made[mine][0].key, *made[mine][0].old_keys)
                assert row["Key"] in keys, f"the key of {mine} does not stand in its row"
            assert not is_token(row["Key"]) or mine in flagged, f"a mark was left in the row of {mine}"
        if not plan.edited:
            assert not flagged, "nobody edited anything, and a row is flagged"
        left = {row.outcome for row in result.rows} & {Outcome.UNCERTAIN, Outcome.REJECTED, Outcome.READY}
        assert not left, f"rows are still {left}"
        assert self.google.api.read_spreadsheet(plan.id).named_ranges == {}, "the lock was left"
        strays = [cell for row in plan.content() for cell in row if is_token(cell)]
        assert not strays, f"marks stand outside the Key column: {strays}"
        assert all(read_key(row["Key"]) is None or row["Key"] for row in rows.values())


__all__ = ["CREATE", "Schedule", "clients"]
