"""Claims: tokens written into Key cells before anything is created. Pure: what to write, and what to put right.

A claim is written by address, and a person may insert, delete or sort rows at that very moment. So the rows are read before
and after, and a token that does not stand beside the content it was meant for is replaced by what it displaced.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.keys import is_token


@dataclass(frozen=True)
class Claim:
    """A token meant for the row with this content; `row` is its number when the plan was read."""

    row: int
    token: str
    content: str


def place(rows: Sequence[PlanRow], now: ContentPlan) -> dict[int, PlanRow]:
    """
    Find rows read earlier in the plan as it stands now, by content and Key cell: number then -> row now.

    Rows that are alike are taken in their order. A row that was changed or deleted meanwhile is left out.
    """
    waiting: defaultdict[tuple[str, str], deque[PlanRow]] = defaultdict(deque)
    for row in now.rows:
        waiting[row.fingerprint, row.key].append(row)
    return {row.row: queue.popleft() for row in rows if (queue := waiting[row.fingerprint, row.key])}


def standing(claims: Iterable[Claim], now: ContentPlan) -> set[str]:
    """The tokens that stand where they should: once in the tab, in the Key cell beside the content they were meant for."""
    seen = Counter(text.strip() for row in now.rows for text in _texts(row) if is_token(text))
    meant = {claim.token: claim.content for claim in claims}
    return {
        token
        for row in now.rows
        if (token := row.key.strip()) in meant and seen[token] == 1 and row.fingerprint == meant[token]
    }


def written(tokens: Mapping[int, str], plan: ContentPlan) -> ContentPlan:
    """The plan with these tokens in the Key cells of its rows, by number."""
    rows = [row.model_copy(update={"key": tokens.get(row.row, row.key)}) for row in plan.rows]
    return plan.model_copy(update={"rows": rows})


def displaced(tokens: Iterable[str], before: Mapping[str, Sequence[str]], now: ContentPlan) -> dict[str, str]:
    """
    What to put back in place of tokens that stand wrong: token -> the text that its cell held.

    Args:
        tokens: The tokens to take out.
        before: Content of a row -> what the Key cells of its rows held, read just before the claim.
        now: The plan after the claim.
    """
    wanted = set(tokens)
    missing = {content: Counter(texts) for content, texts in before.items()}
    for row in now.rows:
        if row.key.strip() not in wanted:
            missing.get(row.fingerprint, Counter())[row.key] -= 1
    texts = dict.fromkeys(sorted(wanted), "")
    for row in now.rows:
        if (token := row.key.strip()) in wanted:
            left = missing.get(row.fingerprint, Counter())
            texts[token] = next((text for text in sorted(left) if text and left[text] > 0), "")
            left[texts[token]] -= 1
    return texts


def key_cells(plan: ContentPlan) -> dict[str, list[str]]:
    """Content of a row -> what the Key cells of the rows with that content hold."""
    cells: defaultdict[str, list[str]] = defaultdict(list)
    for row in plan.rows:
        cells[row.fingerprint].append(row.key)
    return dict(cells)


def _texts(row: PlanRow) -> list[str]:
    return [row.key, *(value for value in row.values.values() if isinstance(value, str))]
