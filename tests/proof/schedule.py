"""One schedule of the proof: a plan, and runs over it under faults, kills, lag and edits, all drawn from one seed.

Each row has an identity of its own (`id:7` in its Caption), which no edit touches, so that the truth about rows, issues and keys is
known whatever people and machines did.
"""

import asyncio
import itertools
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lib.errors import WorkflowError
from lib.exactly_once import PlanResult
from lib.keys import is_token
from lib.reconcile import Outcome
from tests.direct import DirectGoogle, DirectJira, DirectRun, Killed, Mortal, google_api, jira_api

TAB = "Juli"
HEADER = ["No", "Tanggal", "Bentuk", "Topik", "Caption", "Key"]
KEY = HEADER.index("Key")
FORMS = ("Post", "Story", "Short Video", "Carousel")
READS = (
    "sheets.spreadsheets.get",
    "sheets.spreadsheets.values.batchGet",
    "bulkFetchIssues",
    "searchAndReconsileIssuesUsingJqlPost",
    "getCurrentUser",
    "getMyPermissions",
    "oauth.token",
)
WRITES = ("sheets.spreadsheets.batchUpdate", "sheets.spreadsheets.values.batchUpdate", "createIssues")
FAULTS = {
    **dict.fromkeys(READS, ("429", "500", "503-before", "reset-before", "reset-after", "truncated", "html", "redirect")),
    "oauth.token": ("500", "503-before"),
    "sheets.spreadsheets.batchUpdate": ("429", "500", "503-before", "503-after", "reset-before", "reset-after", "truncated", "html"),
    "sheets.spreadsheets.values.batchUpdate": ("429", "500", "503-before", "503-after", "reset-before", "reset-after", "truncated", "html"),
    "createIssues": (
        "429", "500", "503-before", "503-after", "reset-before", "reset-after", "truncated", "html", "redirect", "shuffle", "short", "other-issue",
        "refuse", "refuse-whole", "413", "401", "403", "late-apply",
    ),
    "searchAndReconsileIssuesUsingJqlPost": ("429", "500", "reset-after", "anonymous", "403"),
}  # fmt: skip

WEIGHTS = {"createIssues": 6, "sheets.spreadsheets.values.batchUpdate": 4, "sheets.spreadsheets.batchUpdate": 6}
ONCE_A_RUN = ("createIssues", "sheets.spreadsheets.values.batchUpdate")


@dataclass
class Truth:
    """What people left in the sheet: content by identity, in sheet order, and whose Key cells a person touched."""

    rows: list[list[str]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    edited: bool = False
    deleted: set[str] = field(default_factory=set)


def identity(text: object) -> str:
    """`id:7` in a row's Caption or an issue's description."""
    match = re.search(r"id:\d+", str(text))
    return match[0] if match else ""


class Schedule:
    """The plan of one seed, what happens to it, and what must hold at any time."""

    def __init__(self, box, clock, run_clock, folder: Path, seed: int, clients):
        self.box, self.clock, self.run_clock, self.folder, self.seed = box, clock, run_clock, folder, seed
        self.random = random.Random(seed)
        self.google, self.jira = clients
        self.runs = 0
        self.ids = itertools.count(1)
        self.truth = Truth()
        self.said: list[str] = []
        rows = self.random.choice((3, 5, 8, 8, 12, 50))
        cells = [HEADER, *(self.new_row() for _ in range(rows))]
        if self.random.random() < 0.2:
            cells = [row[:-1] for row in cells]
        self.id = box.google.add_spreadsheet(
            "Content Plan - Kopi Senja - Juli 2026", box.google.add_folder("Plans"), tabs={TAB: cells}
        )
        self.remember()

    # --- The plan, and people who edit it -----------------------------------------------------------------------------

    def new_row(self) -> list[str]:
        number = next(self.ids)
        date, form = f"{(number - 1) % 28 + 1} Juli 2026", FORMS[(number - 1) // 28 % 4]
        topic = "" if self.random.random() < 0.06 else f"Topik {number}"
        return [str(number), date, form, topic, f"id:{number}", ""]

    def grid(self) -> list[list[str]]:
        cells = self.box.google.grid(self.id, TAB)
        return [[*(str(cell) for cell in row), *[""] * (len(HEADER) - len(row))] for row in cells]

    def content(self) -> list[list[str]]:
        return [row[:KEY] for row in self.grid() if any(row[:KEY])]

    def remember(self) -> None:
        self.truth.rows = self.content()

    def edit(self) -> None:
        """One thing that a person does, at any moment of a run or between runs."""
        assert self.content() == self.truth.rows, "a run changed a cell outside the Key column"
        kinds = (
            self.insert,
            self.delete,
            self.move,
            self.sort,
            self.change,
            self.erase_key,
            self.copy_key,
            self.move_key,
            self.swap_keys,
            self.type_key,
            self.copy_row,
        )
        kind = self.random.choices(kinds, (6, 3, 4, 3, 6, 3, 2, 2, 1, 2, 2))[0]
        self.said.append(kind.__name__)
        kind()
        self.truth.edited = True
        self.remember()

    def pick(self) -> int:
        """Sheet row number of any row with content."""
        return self.random.choice([n for n, row in enumerate(self.grid(), start=1) if identity(row)] or [2])

    def insert(self) -> None:
        at = self.random.randint(2, len(self.grid()) + 1)
        self.box.google.insert_rows(self.id, TAB, at)
        self.box.google.write(self.id, f"{TAB}!A{at}", [self.new_row()[:KEY]], typed=False)

    def delete(self) -> None:
        if len(self.truth.rows) > 2:
            row = self.pick()
            self.truth.deleted.add(identity(self.grid()[row - 1]))
            self.box.google.delete_rows(self.id, TAB, row)

    def move(self) -> None:
        row, to = self.pick(), self.random.randint(2, len(self.grid()) + 1)
        if to not in (row, row + 1):
            self.box.google.move_rows(self.id, TAB, row, row, to)

    def sort(self) -> None:
        order = self.random.choice(("ASCENDING", "DESCENDING"))
        area = {
            "sheetId": 0,
            "startRowIndex": 1,
            "endRowIndex": len(self.grid()),
            "startColumnIndex": 0,
            "endColumnIndex": len(HEADER),
        }
        spec = [{"dimensionIndex": self.random.choice((0, 3, 4)), "sortOrder": order}]
        self.box.google.edit(self.id, [{"sortRange": {"range": area, "sortSpecs": spec}}])

    def change(self) -> None:
        row = self.pick()
        caption = f"{identity(self.grid()[row - 1])} diubah {self.random.randint(1, 99)}"
        self.box.google.write(self.id, f"{TAB}!E{row}", [[caption]], typed=False)

    def touch_key(self, row: int, text: str) -> None:
        if self.grid()[0][KEY] != "Key":
            return  # there is no Key cell yet
        self.truth.touched.add(identity(self.grid()[row - 1]))
        self.box.google.write(self.id, f"{TAB}!F{row}", [[text]], typed=False)

    def erase_key(self) -> None:
        self.touch_key(self.pick(), "")

    def copy_key(self) -> None:
        source = self.pick()
        self.truth.touched.add(identity(self.grid()[source - 1]))
        self.touch_key(self.pick(), self.grid()[source - 1][KEY])

    def move_key(self) -> None:
        source = self.pick()
        self.touch_key(self.pick(), self.grid()[source - 1][KEY])
        self.touch_key(source, "")

    def swap_keys(self) -> None:
        one, other = self.pick(), self.pick()
        keys = self.grid()[one - 1][KEY], self.grid()[other - 1][KEY]
        self.touch_key(one, keys[1])
        self.touch_key(other, keys[0])

    def type_key(self) -> None:
        self.touch_key(self.pick(), self.random.choice(("CP-1", "CP-99999", "selesai", "-", "cp-abc")))

    def copy_row(self) -> None:
        row, number = self.pick(), next(self.ids)
        cells = self.grid()[row - 1]
        self.truth.touched |= {identity(cells), f"id:{number}"}
        at = len(self.grid()) + 1
        self.box.google.write(
            self.id, f"{TAB}!A{at}", [[str(number), *cells[1:4], f"id:{number}", cells[KEY]]], typed=False
        )

    # --- Runs ---------------------------------------------------------------------------------------------------------

    def set_trouble(self) -> None:
        operations = self.random.choices(
            list(FAULTS), [WEIGHTS.get(name, 1) for name in FAULTS], k=self.random.choice((0, 1, 2, 3))
        )
        if self.random.random() < 0.4:
            operations.insert(0, "createIssues")
        for operation in operations:
            kind = self.random.choice(FAULTS[operation])
            options = {"delay_s": self.random.choice((1, 30, 250))} if kind == "late-apply" else {}
            after = self.random.choice((0, 0, 0, 0, 1) if operation in ONCE_A_RUN else (0, 1, 2, 3, 5))
            times = self.random.choice((1, 1, 1, 2, 4))
            self.box.fault(operation, kind, times=times, after=after, **options)
            self.said.append(f"{operation} {kind} after {after} times {times}")
        for _ in range(self.random.choice((0, 0, 1, 2))):
            operation = self.random.choice((*WRITES, "sheets.spreadsheets.values.batchGet", "bulkFetchIssues"))
            after, when = self.random.randint(0, 4), self.random.choice(("before", "after"))
            self.box.fault(operation, "edit", edit=self.edit, when=when, after=after)
            self.said.append(f"edit {when} {operation} after {after}")

    def run(self, *, quiet: bool = False) -> PlanResult | None:
        """One run over the plan; None when it was killed."""
        self.runs += 1
        google, jira = self.google, self.jira
        if not quiet:
            self.set_trouble()
            if self.random.random() < 0.3:
                at, counter = self.random.randint(1, 45), itertools.count(1)
                google, jira = Mortal(google, counter, at), Mortal(jira, counter, at)
                self.said.append(f"killed at {at}")
        self.box.jira.index_lag_s = 2 if quiet else self.random.choice((0, 2, 2, 60, 400))
        locks = self.folder / "locks"
        run = DirectRun(
            google, jira, spreadsheet_id=self.id, folder=self.folder / str(self.runs), locks=locks, clock=self.run_clock
        )
        try:
            asyncio.run(run.make())
        except Killed:
            self.said.append("was killed")
            return None
        except WorkflowError as error:
            self.said.append(f"ended: {error}")
            run.plan_run.stop(str(error))
        finally:
            run.local.release()  # as the end of a process does
            self.box.clear_faults()
        return run.plan_run.result

    def play(self) -> None:
        """All of the schedule, with everything that must hold checked after every run."""
        for _ in range(self.random.choice((1, 1, 2, 3))):
            result = self.run()
            self.check(result)
            self.clock.move(self.random.choice((1, 10, 400, 90_000)))
            if self.random.random() < 0.3:
                self.said.append("between runs:")
                self.edit()
        self.clock.move(500)
        for _ in range(2):  # the first one may settle what was under way, the second one finishes
            result = self.run(quiet=True)
            self.check(result)
            self.clock.move(10)
        self.check_finished(result)

    # --- What must hold -----------------------------------------------------------------------------------------------

    def issues(self) -> dict[str, list[str]]:
        """Identity -> keys of the issues that were made from that row."""
        made: dict[str, list[str]] = {}
        for issue in self.box.jira.issues:
            if any(is_token(label) for label in issue.labels):
                made.setdefault(identity(issue.fields["description"]), []).append(issue.key)
        return made

    def check(self, result: PlanResult | None) -> None:
        doubled = {row: keys for row, keys in self.issues().items() if len(keys) > 1}
        assert not doubled, f"a row has two issues: {doubled}"
        assert self.content() == self.truth.rows, "a run changed a cell outside the Key column"
        owner = {key: row for row, keys in self.issues().items() for key in keys}
        for row in self.grid():
            mine = identity(row)
            if mine and mine not in self.truth.touched and row[KEY] in owner:
                assert owner[row[KEY]] == mine, f"{mine} has the key of {owner[row[KEY]]}"
        if result is not None:
            counts = result.counts()
            assert counts["rows"] == sum(counts[outcome] for outcome in Outcome), "the sum does not close"

    def check_finished(self, result: PlanResult | None) -> None:
        assert result is not None
        assert not result.error, result.error
        made = self.issues()
        flagged = {identity(self.grid()[row.row - 1]) for row in result.rows if row.outcome is Outcome.FLAGGED}
        for row in self.grid()[1:]:
            mine = identity(row)
            good = bool(mine and row[3])
            if good and mine not in flagged:
                assert len(made.get(mine, [])) == 1, f"{mine} has no issue"
                assert row[KEY] == made[mine][0], f"the key of {mine} does not stand in its row"
            assert not is_token(row[KEY]) or mine in flagged, f"a mark was left in the row of {mine}"
        if not self.truth.edited:
            assert not flagged, "nobody edited anything, and a row is flagged"
        counts = Counter(row.outcome for row in result.rows)
        assert not counts.keys() & {Outcome.UNCERTAIN, Outcome.REJECTED, Outcome.READY}, counts
        assert self.google.api.read_spreadsheet(self.id).named_ranges == {}, "the lock was left"


def clients(box, run_clock):
    """The real clients, whose waits move the clock instead of waiting."""
    waits = run_clock._clock.move
    google = DirectGoogle(google_api(box.environment(), sleep=waits))
    jira = DirectJira(jira_api(box.environment(), sleep=waits, timeout_s=(5, 5)))
    return google, jira
