"""A schedule as data, drawn from a seed: what the plan is, and which runs it sees under which events.

Everything in it is drawn before anything is played, and each event has chances of its own. So one can be left out and the rest
stays what it was: that is how a failing schedule shrinks.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

READS = (
    "sheets.spreadsheets.get", "bulkFetchIssues", "searchAndReconsileIssuesUsingJqlPost", "getCurrentUser", "getMyPermissions",
    "oauth.token",
)  # fmt: skip
BATCH, COLUMN, CREATE = "sheets.spreadsheets.batchUpdate", "sheets.spreadsheets.values.batchUpdate", "createIssues"
BOOK, FETCH, SEARCH = READS[:3]
REQUESTS = (BATCH, COLUMN, CREATE, SEARCH, FETCH, BOOK)

# Fault of the sandbox -> what it counts as. A status and a body are drawn for the last two.
COMMON = {
    "429": "refused rate", "500": "error before", "503-before": "error before", "reset-before": "cut connection before",
    "reset-after": "cut connection after", "truncated": "broken answer", "html": "page for an answer", "redirect": "redirect",
    "status-before": "unknown status before",
}  # fmt: skip
WRITES = {**COMMON, "503-after": "error after", "status-after": "unknown status after"}
CREATES = {
    **WRITES, "shuffle": "shuffled answer", "short": "short answer", "other-issue": "foreign issue in the answer",
    "refuse": "some refused", "refuse-whole": "all refused", "413": "too large", "401": "login refused", "403": "not allowed",
    "late-apply": "applied late",
}  # fmt: skip
FAULTS = {
    **dict.fromkeys(READS, COMMON),
    "oauth.token": {"500": "error before", "503-before": "error before"},
    BATCH: WRITES,
    COLUMN: WRITES,
    CREATE: CREATES,
    SEARCH: {**COMMON, "anonymous": "seen as a stranger", "refuse-whole": "no newest issue"},
}
WEIGHTS = {CREATE: 10, COLUMN: 5, BATCH: 6, SEARCH: 3}
ONCE_A_RUN = (CREATE, COLUMN)
SERVER_STATUSES = (501, 505, 507, 511, 520, 521, 522, 523, 524, 525, 526, 527, 530, 598, 599)
PROXY_STATUSES = (400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 414, 421, 425, 431, 451, 499)
EDITS = {
    "insert": 6, "delete": 3, "move": 4, "sort": 3, "change": 6, "erase key": 3, "copy key": 2, "move key": 2, "swap keys": 1,
    "type key": 2, "copy row": 2, "copy row and erase": 2, "insert column": 5, "delete column": 2, "insert above header": 3,
    "clear key header": 1,
}  # fmt: skip
TYPED_OVER = ("erase key", "copy key", "move key", "swap keys", "type key")  # what a claim of that instant cannot see


@dataclass(frozen=True)
class Event:
    """
    Something that happens at a request of a run, or between runs.

    Attributes:
        what: A kind of fault of the sandbox, `edit`, `kill`, or one of the others.
        at: Operation whose request it happens to; empty between runs.
        after: How many requests of that operation go by before.
        chance: Seed of what is drawn when it happens, such as the row.
    """

    what: str
    at: str = ""
    after: int = 0
    times: int = 1
    when: str = "before"
    name: str = ""
    options: tuple[tuple[str, object], ...] = ()
    chance: int = 0

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self.options)
        place = (
            f" {self.when if self.what in ('edit', 'kill', 'others') else 'at'} request {self.after + 1} of {self.at}"
            if self.at
            else ""
        )
        return f"{self.name or self.what}{f' ({options})' if options else ''}{f' x{self.times}' if self.times > 1 else ''}{place}"


@dataclass(frozen=True)
class Play:
    """One run: on which machine, how wrong its clock is, how long the index lags, what happens in it and after it."""

    machine: int = 0
    clock_s: float = 0
    lag_s: float = 2
    events: tuple[Event, ...] = ()
    wait_s: float = 10
    later: tuple[Event, ...] = ()

    def __str__(self) -> str:
        about = [f"a run on machine {self.machine}", f"index lags {self.lag_s:g} s"]
        about += [f"clock {self.clock_s:+g} s"] if self.clock_s else []
        lines = [f"{', '.join(about)}", *(f"  {event}" for event in self.events), f"{self.wait_s:g} s go by"]
        return "\n".join([*lines, *(f"  between runs: {event}" for event in self.later)])


@dataclass(frozen=True)
class Script:
    """A plan, and the runs over it. `others` are issues of other people in the project, `first_key` its first number."""

    seed: int
    rows: int = 3
    key_column: bool = True
    others: int = 0
    first_key: int = 1
    bad: float = 0.06
    plays: tuple[Play, ...] = field(default=())

    def __str__(self) -> str:
        begins = f"seed {self.seed}: {self.rows} rows{'' if self.key_column else ', no Key column'}"
        begins += f", keys from {self.first_key}, {self.others} issues of others"
        return "\n".join([begins, *(str(play) for play in self.plays)])


def draw(seed: int) -> Script:
    """The schedule of that seed."""
    chance = random.Random(seed)
    plays = tuple(_play(chance) for _ in range(chance.choice((1, 1, 2, 2, 3))))
    return Script(
        seed,
        rows=chance.choice((1, 2, 3, 5, 8, 8, 12, 50)),
        key_column=chance.random() >= 0.2,
        others=chance.choice((0, 0, 3, 140)),
        first_key=chance.choice((1, 1, 1, 101, 700)),
        plays=plays,
    )


def _play(chance: random.Random) -> Play:
    events = [_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    if chance.random() < 0.45:
        events.append(_fault(chance, CREATE))
    events += [_edit(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    if chance.random() < 0.2:
        events += [
            Event("429", CREATE, name="refused rate", options=(("retry_after", chance.choice((5, 60, 400))),)),
            Event(chance.choice(("overtake", "die in a wait")), chance=chance.randrange(10**6)),
        ]
    dying = chance.random()
    if dying < 0.2:
        events.append(_at(chance, "kill"))
    elif dying < 0.3:
        events.append(Event("kill at a call", after=chance.randint(1, 45)))
    if chance.random() < 0.15:
        events.append(_others(chance))
    later = [_edit(chance, at="") for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    later += [_between(chance) for _ in range(chance.choice((0, 0, 1)))]
    return Play(
        machine=chance.choice((0, 0, 0, 1)),
        clock_s=chance.choice((0, 0, 0, 0, -7_200, 900, 90_000)),
        lag_s=chance.choice((0, 2, 2, 60, 400)),
        events=tuple(events),
        wait_s=chance.choice((1, 10, 100, 400, 90_000)),
        later=tuple(later),
    )


def _at(chance: random.Random, what: str, *, name: str = "", requests: tuple[str, ...] = REQUESTS) -> Event:
    at = chance.choice(requests)
    after = chance.choice((0, 0, 0, 1)) if at in ONCE_A_RUN else chance.randint(0, 5)
    return Event(what, at, after, when=chance.choice(("before", "after")), name=name, chance=chance.randrange(10**6))


def _fault(chance: random.Random, at: str = "") -> Event:
    at = at or chance.choices(list(FAULTS), [WEIGHTS.get(name, 1) for name in FAULTS])[0]
    kind = chance.choice(list(FAULTS[at]))
    name, options = FAULTS[at][kind], {}
    if kind == "late-apply":
        options = {"delay_s": chance.choice((1, 30, 250))}
    elif kind == "429":
        options = {"retry_after": chance.choice((None, 3, 60, 600))}
    elif kind.startswith("status"):
        proxy = chance.random() < 0.5 and at in (BATCH, COLUMN, CREATE)
        options = {
            "status": chance.choice(PROXY_STATUSES if proxy else SERVER_STATUSES),
            "body": chance.choice(("page", "empty", "json")),
        }
        name = f"page of a proxy {kind.removeprefix('status-')}" if proxy else name
    after = chance.choice((0, 0, 0, 0, 1) if at in ONCE_A_RUN else (0, 1, 2, 3, 5))
    given = tuple((key, value) for key, value in options.items() if value is not None)
    return Event(kind, at, after, chance.choice((1, 1, 1, 2, 4)), name=name, options=given)


def _edit(chance: random.Random, at: str | None = None) -> Event:
    name = chance.choices(list(EDITS), list(EDITS.values()))[0]
    if at is not None:
        return Event("edit", name=name, chance=chance.randrange(10**6))
    event = _at(chance, "edit", name=name)
    if event.at == COLUMN and event.when == "before" and name in TYPED_OVER:
        return replace(event, when="after")
    return event


def _others(chance: random.Random) -> Event:
    name = chance.choice(("issues of others", "gap of keys", "never indexed"))
    return _at(chance, "others", name=name, requests=(CREATE, FETCH, SEARCH, BATCH))


def _between(chance: random.Random) -> Event:
    name = chance.choice(("file copied", "issues of others", "gap of keys", "never indexed", "issue moved"))
    return Event("others", name=name, chance=chance.randrange(10**6))


# --- Shrinking --------------------------------------------------------------------------------------------------------


def smaller(script: Script) -> Iterator[Script]:
    """The schedule with one thing less, the largest things first."""
    plays = script.plays
    for n in range(len(plays)):
        yield replace(script, plays=plays[:n] + plays[n + 1 :])
    for n, play in enumerate(plays):
        for less in _smaller_play(play):
            yield replace(script, plays=(*plays[:n], less, *plays[n + 1 :]))
    for rows in sorted({1, 2, 3, script.rows // 2} - {0}):
        if rows < script.rows:
            yield replace(script, rows=rows)
    for name, plain in (("others", 0), ("first_key", 1), ("key_column", True), ("bad", 0.0)):
        if getattr(script, name) != plain:
            yield replace(script, **{name: plain})


def _smaller_play(play: Play) -> Iterator[Play]:
    for name in ("events", "later"):
        events: tuple[Event, ...] = getattr(play, name)
        for n in range(len(events)):
            yield replace(play, **{name: events[:n] + events[n + 1 :]})
    for n, event in enumerate(play.events):
        if event.times > 1:
            yield replace(play, events=(*play.events[:n], replace(event, times=1), *play.events[n + 1 :]))
    for name, plain in (("clock_s", 0), ("machine", 0), ("lag_s", 2)):
        if getattr(play, name) != plain:
            yield replace(play, **{name: plain})
