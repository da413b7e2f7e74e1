"""From the cells of one tab to a content plan, and what is odd about it.

Blank rows are skipped and row numbers are kept, so `row` always is the sheet's own number. No named column is dropped.
"""

from lib.formats import clean_text, one_line
from lib.plan import grid, header
from lib.plan.content_plan import Column, ContentPlan, PlanRow, PlanSource
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue


def parse(
    source: PlanSource,
    values: list[list[CellValue]],
    texts: list[list[str]],
    merges: list[tuple[int, int, int, int]] | None = None,
) -> ContentPlan:
    """
    Turn a tab's cells into a plan.

    Args:
        source: Where the cells were read.
        values: One list per sheet row from row 1, as stored (UNFORMATTED_VALUE, SERIAL_NUMBER). Rows are ragged.
        texts: The same cells as people see them (FORMATTED_VALUE).
        merges: Merged cells as (first row, end row, first column, end column), from 0, ends excluded: the upper left
            cell's content counts for all of them, but not across the columns of a banner, which is all that its rows hold,
            nor from or into Key: what a run writes there must not change the content of a row.

    Raises:
        FixInputError: There is no header, a required column is missing, or a required column or Key stands there twice.
    """
    values = grid.filled(values, merges or [])
    texts = grid.filled(texts, merges or [])
    top = header.find(source, values)
    columns, key_column, problems = header.read_columns(source, values, texts, top)
    across = [m for m in merges or [] if m[2] != key_column and not grid.is_banner(values, m)]
    values = grid.filled_across(values, across, key_column)
    texts = grid.filled_across(texts, across, key_column)
    rows, templates = _read_rows(values, texts, top, columns, key_column)
    if templates:
        problems.append(
            Problem(
                where=a1.quoted(source.tab),
                message=f"{len(templates)} rows hold only a number or an unticked box and count as blank: {_ranges(templates)}",
                level="warning",
            )
        )
    typed = [column.model_copy(update={"data_type": _data_type(rows, column.label)}) for column in columns]
    return ContentPlan(
        **source.model_dump(),
        header_row=top + 1,
        key_column=key_column,
        key_header=key_column is None or not grid.is_blank(grid.cell(values, top, key_column)),
        columns=typed,
        rows=rows,
        problems=problems,
    )


def _read_rows(
    values: list[list[CellValue]], texts: list[list[str]], top: int, columns: list[Column], key_column: int | None
) -> tuple[list[PlanRow], list[int]]:
    rows: list[PlanRow] = []
    templates: list[int] = []
    for index in range(top + 1, len(values)):
        cells = {column.label: _clean(grid.cell(values, index, column.index)) for column in columns}
        key = "" if key_column is None else one_line(grid.cell_text(values, texts, index, key_column))
        if all(grid.is_blank(cell) for cell in cells.values()) and not key:
            continue
        if not key and all(grid.is_blank(cells[c.label]) or c.name == "No" or cells[c.label] is False for c in columns):
            templates.append(index + 1)
            continue
        shown = {
            column.label: clean_text(grid.cell_text(values, texts, index, column.index))
            for column in columns
            if not isinstance(cells[column.label], str | None)
        }
        rows.append(PlanRow(row=index + 1, key=key, values=cells, texts=shown))
    return rows, templates


def _clean(value: CellValue) -> CellValue:
    return clean_text(value) or None if isinstance(value, str) else value


def _data_type(rows: list[PlanRow], label: str) -> str:
    kinds = {_kind(row.values[label]) for row in rows} - {"empty"}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"


def _kind(value: CellValue) -> str:
    if grid.is_blank(value):
        return "empty"
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _ranges(numbers: list[int]) -> str:
    """`31-60, 62` for sorted row numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(str(number) for number in run) for run in runs)
