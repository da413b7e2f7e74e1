"""A plan in the sandbox, and runs over it without Prefect and without a kernel."""

import pytest

from lib.plan.keys import is_token
from tests.direct import DirectGoogle, DirectJira, DirectRun, google_api, jira_api

HEADER = ["No", "Tanggal", "Bentuk", "Topik", "Caption", "Key"]
TAB = "Juli"


def cells(count, *, key=""):
    return [
        HEADER,
        *([n, f"{n % 28 + 1} Juli 2026", "Post", f"Topik {n}", f"Caption {n}", key] for n in range(1, count + 1)),
    ]


def add_clients(google, count, rows, month="Juli 2026"):
    """Clients `Klien 1` … with a plan of so many rows each; the client list's id, and the plans'."""
    folders = {f"Klien {n}": google.add_folder(f"Klien {n}") for n in range(1, count + 1)}
    listed = [["Name", "Content Plan Folder ID"], *([name, folder] for name, folder in folders.items())]
    plans = [
        google.add_spreadsheet(f"Content Plan - {name} - {month}", folder, tabs={TAB: cells(rows)})
        for name, folder in folders.items()
    ]
    return google.add_spreadsheet("Daftar", "", tabs={"Clients": listed}), plans


def made(box):
    """Issues of plans: topic -> keys, one for each topic when all is well."""
    found = {}
    for issue in box.jira.issues:
        if any(is_token(label) for label in issue.labels):
            found.setdefault(issue.fields["summary"], []).append(issue.key)
    return found


def assert_whole(box, plan, rows):
    """Each of the plan's rows has one issue, and its key stands in its row."""
    keys = made(box)
    assert {topic: len(found) for topic, found in keys.items()} == {f"Topik {n}": 1 for n in range(1, rows + 1)}
    standing = box.google.grid(plan, TAB)[1:]
    assert [row[HEADER.index("Key")] for row in standing] == [keys[row[HEADER.index("Topik")]][0] for row in standing]


class Desk:
    """A plan in the sandbox, and runs over it."""

    def __init__(self, box, run_clock, folder, opened):
        self.box, self.clock, self.folder = box, run_clock, folder
        waits = run_clock._clock.move
        self.google = DirectGoogle(opened(google_api(box.environment(), sleep=waits)))
        self.jira = DirectJira(opened(jira_api(box.environment(), sleep=waits, timeout_s=(2, 2))))
        self.plans = box.google.add_folder("Plans")
        self.count = 0
        self.id = ""

    def plan(self, rows, **options):
        self.id = self.box.google.add_spreadsheet(
            "Content Plan - Kopi Senja - Juli 2026", self.plans, tabs={TAB: rows}, **options
        )
        return self

    def next_run(self, **options):
        self.count += 1
        folder = self.folder / f"run-{self.count}"
        google, jira = options.pop("google", self.google), options.pop("jira", self.jira)
        return DirectRun(
            google,
            jira,
            spreadsheet_id=self.id,
            folder=folder,
            locks=self.folder / "locks",
            clock=self.clock,
            **options,
        )

    def run(self, **options):
        return self.next_run(**options).run()

    def fail(self, error):
        """A run that ends with this error; what it says of its rows all the same."""
        run = self.next_run()
        with pytest.raises(error) as raised:
            run.run()
        return run.plan_run.result, str(raised.value)

    @property
    def grid(self):
        return self.box.google.grid(self.id, TAB)

    @property
    def keys(self):
        return [row[HEADER.index("Key")] for row in self.grid[1:]]

    @property
    def made(self):
        return made(self.box)

    def assert_whole(self, rows):
        assert_whole(self.box, self.id, rows)


def outcomes(result):
    return {name: count for name, count in result.counts().items() if count}
