"""Plans for tests: a few lines of cells become a ContentPlan."""

from lib.plan.content_plan import ContentPlan, PlanSource
from lib.plan.parsing import parse
from lib.services.models import TabCells

SOURCE = PlanSource(
    client="Kopi Senja", spreadsheet_id="sheet-1", title="Content Plan - Kopi Senja - Juli 2026", tab="Juli", tab_id=7
)
HEADER = ["No", "Tanggal", "Bentuk", "Topik", "Caption", "Key"]


def row(number, topic="Kopi pagi", *, date="5 Juli 2026", form="Post", caption="halo", key=""):
    """One row in the order of HEADER."""
    return [number, date, form, topic, caption, key]


def plan(*rows, header=HEADER, source=SOURCE, merges=(), **beside) -> ContentPlan:
    """A plan with its header on row 1, and what stands beside its values (`TabCells`)."""
    values = [list(header), *(list(cells) for cells in rows)]
    texts = [[str(cell) for cell in cells] for cells in values]
    return parse(source, TabCells(values, texts, **beside), merges)
