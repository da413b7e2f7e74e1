"""What can happen in a schedule, and how often each kind did: a kind that no schedule meets proves nothing."""

from collections import Counter

FAULTS = (
    "refused rate", "error before", "error after", "unknown status before", "unknown status after", "page of a proxy before",
    "page of a proxy after", "too large", "cut connection before", "cut connection after", "broken answer", "page for an answer",
    "redirect", "shuffled answer", "short answer", "foreign issue in the answer", "some refused", "all refused", "login refused",
    "not allowed", "seen as a stranger", "applied late", "no newest issue",
)  # fmt: skip
EDITS = (
    "insert", "delete", "move", "sort", "change", "erase key", "copy key", "move key", "swap keys", "type key", "copy row",
    "copy row and erase", "insert column", "delete column", "insert above header", "clear key header",
)  # fmt: skip
OTHERS = (
    "killed at a request", "killed at a call", "killed in a wait", "overtaken in a wait", "other machine", "same machine again",
    "clock ahead", "clock behind", "file copied", "issues of others", "gap of keys", "never indexed",  "issue moved", "lagging index",
)  # fmt: skip
UPDATES = (
    "plan topic", "plan date", "issue summary", "issue due date", "issue note", "issue done", "issue back to work",
)  # fmt: skip
KINDS = (*FAULTS, *EDITS, *OTHERS, *UPDATES)

MET: Counter[str] = Counter()


def met(kind: str, times: int = 1) -> None:
    """Count what happened."""
    if kind not in KINDS:
        raise ValueError(f"no kind of event is called {kind!r}")
    MET[kind] += times


def table(counts: Counter[str]) -> list[str]:
    """A line for each kind, those never met first."""
    return [f"{counts[kind]:>8}  {kind}" for kind in sorted(KINDS, key=lambda kind: (counts[kind] > 0, kind))]
