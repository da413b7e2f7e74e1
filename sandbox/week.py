"""What people do in the week after a plan's issues were made, on both sides: `play` is what `make demo-update` runs."""

import sys

from sandbox.google.a1 import column_letters
from sandbox.google.google import Google
from sandbox.jira.jira import Jira
from sandbox.seed import seed
from sandbox.seed.seed_plans import TINI
from sandbox.server import Sandbox
from sandbox.state_file import StateFileError

_KEY, _TOPIC, _CAPTION, _DATE = "Key", "Topik", "Caption", "Tanggal"
_NOTE = "Catatan produksi: talent sudah dipesan"


class _People:
    """People at one plan and its issues; `did` says what they did, a sentence each."""

    def __init__(self, google: Google, jira: Jira) -> None:
        self.google, self.jira = google, jira
        self.grid = google.grid(TINI.spreadsheet_id, TINI.tab)
        self.header = [str(cell) for cell in self.grid[0]]
        self.did: list[str] = []

    def key(self, row: int) -> str:
        return str(self.grid[row - 1][self.header.index(_KEY)])

    def plan(self, row: int, column: str, text: str) -> None:
        """Somebody types into the plan."""
        address = f"{column_letters(self.header.index(column))}{row}"
        self.google.write(TINI.spreadsheet_id, f"'{TINI.tab}'!{address}", [[text]])
        self.did.append(f"the plan's {address} ({column}) says {text!r} now")

    def issue(self, row: int, said: str, **fields: object) -> None:
        """Somebody edits the row's issue in Jira."""
        self.jira.edit_issue(self.key(row), by=seed.REPORTER, **fields)
        self.did.append(f"{self.key(row)} in Jira {said}")

    def note(self, row: int) -> None:
        """Somebody writes below an issue's description."""
        document = self.jira.issue(self.key(row)).fields["description"]
        words = {"type": "paragraph", "content": [{"type": "text", "text": _NOTE}]}
        self.issue(
            row,
            f"has {_NOTE!r} below its description",
            description={**document, "content": [*document["content"], words]},
        )


def happen(google: Google, jira: Jira) -> list[str]:
    """A week at the plan of Warung Bu Tini, whose issues must have been made; what people did."""
    people = _People(google, jira)
    if not people.key(2):
        raise ValueError(f"{TINI.title!r} has no issues yet")
    people.plan(2, _TOPIC, "Menu hemat nasi campur, kini juga untuk sarapan")
    people.plan(3, _DATE, "17 Juli 2026")
    people.note(4)
    people.plan(4, _CAPTION, "Resep keluarga sejak 1987. Datang sebelum jam makan siang!")
    people.plan(5, _TOPIC, "Paket katering arisan: 20 porsi")
    people.issue(
        5, "is called 'Paket katering arisan, syuting ulang' now", summary="Paket katering arisan, syuting ulang"
    )
    people.issue(6, "is due on 24 Juli 2026 now", duedate="2026-07-24")
    people.plan(7, _CAPTION, "Gratis es teh untuk pelajar")
    people.issue(7, "is done", status={"id": "10001"})
    return people.did


def play(state: str) -> int:
    """Let it happen at the sandbox whose state that file keeps, and tell it; the exit code."""
    try:
        with Sandbox(state_path=state) as box:
            did = happen(box.google, box.jira)
    except (StateFileError, ValueError) as error:
        print(f"error: {state}: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return 1
    print("\nMeanwhile people work on both sides:", *did, sep="\n  ")  # noqa: T201 - a command line
    return 0
