"""The plan's tab in the sandbox, and people who edit it.

Each row has an identity of its own (`id:7` in its Caption), which no edit touches, so that the truth about rows, issues and keys is
known whatever people and machines did.
"""

import itertools
import random
import re

from lib.plan.keys import is_token, read_key
from lib.services import a1
from tests.proof.events import met

TAB = "Juli"
HEADER = ["No", "Tanggal", "Bentuk", "Topik", "Caption", "Catatan", "Key"]
FORMS = ("Post", "Story", "Short Video", "Carousel")
JUNK = ("CP-1", "CP-99999", "MAR-4321", "selesai", "-", "cp-abc")


def identity(text):
    """`id:7` in a row's Caption or an issue's description."""
    match = re.search(r"id:\d+", str(text))
    return match[0] if match else ""


def _without(column, grid):
    rows = [["" if index == column else cell for index, cell in enumerate(row)] for row in grid]
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


class PlanTab:
    """
    One plan.

    `touched` are identities of rows whose Key cell a person touched, `edited` is whether anything was edited at all.
    """

    def __init__(self, box, chance, *, rows, key_column, bad):
        self.box, self.bad = box, bad
        self.ids = itertools.count(1)
        self.touched, self.deleted, self.edited = set(), set(), False
        cells = [HEADER, *(self.new_row(chance) for _ in range(rows))]
        if not key_column:
            cells = [row[:-1] for row in cells]
        self.id = box.google.add_spreadsheet(
            "Content Plan - Kopi Senja - Juli 2026", box.google.add_folder("Plans"), tabs={TAB: cells}
        )
        self.remember()

    def new_row(self, chance):
        number = next(self.ids)
        date, form = f"{(number - 1) % 28 + 1} Juli 2026", FORMS[(number - 1) // 28 % 4]
        topic = "" if chance.random() < self.bad else f"Topik {number}"
        return [str(number), date, form, topic, f"id:{number}", "", ""]

    # --- What stands there --------------------------------------------------------------------------------------------

    def grid(self):
        cells = self.box.google.grid(self.id, TAB)
        width = max((len(row) for row in cells), default=0)
        return [[str(cell) for cell in row] + [""] * (width - len(row)) for row in cells]

    def header(self, grid):
        """Index of the header row."""
        return next(n for n, row in enumerate(grid) if "Topik" in row)

    def column(self, grid, name):
        """Index of a column; of Key also when its header was cleared, and marks stand there alone or below our note."""
        top = self.header(grid)
        if name in grid[top]:
            return grid[top].index(name)
        found = []
        for index in range(len(grid[top])) if name == "Key" else ():
            marks = [
                bool(is_token(row[index]) or read_key(row[index])) for row in grid[top + 1 :] if row[index].strip()
            ]
            note = self.box.google.cell(self.id, f"{TAB}!{a1.column_letter(index)}{top + 1}").note
            noted = "do not edit it. cp-" in note
            if not grid[top][index] and any(marks) and (noted or all(marks)):
                found.append((not noted, index))
        return min(found)[1] if found else None

    def rows(self):
        """Sheet row number -> cells by column name, of the rows with an identity."""
        grid = self.grid()
        columns = {name: self.column(grid, name) for name in HEADER}
        return {
            n: {name: row[index] if index is not None else "" for name, index in columns.items()}
            for n, row in enumerate(grid, start=1)
            if n > self.header(grid) + 1 and identity(" ".join(row))
        }

    def content(self):
        """Everything but the Key column, without blanks at the ends."""
        grid = self.grid()
        return _without(self.column(grid, "Key"), grid)

    def remember(self):
        self.truth = self.grid()
        self.true_key = self.column(self.truth, "Key")

    def check_untouched(self):
        """A Key column whose header was cleared is known once a run has written into it; until then a word may have stood there alone."""
        key, top = self.true_key, self.truth[self.header(self.truth)]
        if key is None and (now := self.column(self.grid(), "Key")) is not None and not "".join(top[now : now + 1]):
            key = now
        assert self.content() == _without(key, self.truth), "a run changed a cell outside the Key column"

    # --- What people do -----------------------------------------------------------------------------------------------

    def edit(self, name, seed):
        """One thing that a person does, at any moment of a run or between runs."""
        self.check_untouched()
        if getattr(self, f"_{name.replace(' ', '_')}")(random.Random(seed)) is not False:
            met(name)
        self.edited = True
        self.remember()

    def _pick(self, chance):
        """Sheet row number of any row with content."""
        return chance.choice(list(self.rows()))

    def _letter(self, name):
        index = self.column(self.grid(), name)
        return None if index is None else chr(ord("A") + index)

    def _write(self, row, name, text):
        if letter := self._letter(name):
            self.box.google.write(self.id, f"{TAB}!{letter}{row}", [[text]], typed=False)

    def _dimension(self, kind, dimension, at, **more):
        place = {"sheetId": 0, "dimension": dimension, "startIndex": at, "endIndex": at + 1}
        self.box.google.edit(self.id, [{kind: {"range": place, **more}}])

    def _insert(self, chance):
        grid = self.grid()
        at = chance.randint(self.header(grid) + 2, len(grid) + 1)
        self.box.google.insert_rows(self.id, TAB, at)
        self._fill(at, self.new_row(chance))

    def _fill(self, at, cells):
        for name, text in zip(HEADER, cells, strict=True):
            if text:
                self._write(at, name, text)

    def _delete(self, chance):
        if len(self.rows()) < 2:
            return False
        row = self._pick(chance)
        self.deleted.add(identity(self.rows()[row]["Caption"]))
        self.box.google.delete_rows(self.id, TAB, row)
        return True

    def _move(self, chance):
        grid = self.grid()
        row, to = self._pick(chance), chance.randint(self.header(grid) + 2, len(grid) + 1)
        if to in (row, row + 1):
            return False
        self.box.google.move_rows(self.id, TAB, row, row, to)
        return True

    def _sort(self, chance):
        grid = self.grid()
        area = {
            "sheetId": 0,
            "startRowIndex": self.header(grid) + 1,
            "endRowIndex": len(grid),
            "startColumnIndex": 0,
            "endColumnIndex": len(grid[0]),
        }
        order = {"dimensionIndex": self.column(grid, chance.choice(("No", "Topik", "Caption")))}
        order["sortOrder"] = chance.choice(("ASCENDING", "DESCENDING"))
        self.box.google.edit(self.id, [{"sortRange": {"range": area, "sortSpecs": [order]}}])

    def _change(self, chance):
        row = self._pick(chance)
        mine = identity(self.rows()[row]["Caption"])
        self._write(row, "Caption", f"{mine} diubah {chance.randint(1, 99)}")

    def _touch(self, row, text):
        self.touched.add(identity(self.rows()[row]["Caption"]))
        self._write(row, "Key", text)

    def _erase_key(self, chance):
        self._touch(self._pick(chance), "")

    def _copy_key(self, chance):
        source = self._pick(chance)
        self.touched.add(identity(self.rows()[source]["Caption"]))
        self._touch(self._pick(chance), self.rows()[source]["Key"])

    def _move_key(self, chance):
        source = self._pick(chance)
        self._touch(self._pick(chance), self.rows()[source]["Key"])
        self._touch(source, "")

    def _swap_keys(self, chance):
        one, other = self._pick(chance), self._pick(chance)
        keys = self.rows()[one]["Key"], self.rows()[other]["Key"]
        self._touch(one, keys[1])
        self._touch(other, keys[0])

    def _type_key(self, chance):
        self._touch(self._pick(chance), chance.choice(JUNK))

    def _copy_row(self, chance):
        row, number = self._pick(chance), next(self.ids)
        cells = self.rows()[row]
        self.touched |= {identity(cells["Caption"]), f"id:{number}"}
        at = len(self.grid()) + 1
        self._fill(at, [{**cells, "No": str(number), "Caption": f"id:{number}"}[name] for name in HEADER])
        return row

    def _copy_row_and_erase(self, chance):
        self._touch(self._copy_row(chance), "")

    def _insert_column(self, chance):
        width = len(self.grid()[0])
        if width >= 20:
            return False
        self._dimension("insertDimension", "COLUMNS", chance.randint(0, width), inheritFromBefore=False)
        return True

    def _delete_column(self, _chance):
        grid = self.grid()
        blank = [index for index in range(len(grid[0])) if not any(row[index] for row in grid)]
        index = blank[0] if blank else self.column(grid, "Catatan")
        if index is None:
            return False
        self._dimension("deleteDimension", "COLUMNS", index)
        return True

    def _insert_above_header(self, chance):
        self._dimension("insertDimension", "ROWS", chance.randint(0, self.header(self.grid())), inheritFromBefore=False)

    def _clear_key_header(self, _chance):
        grid = self.grid()
        if "Key" not in grid[self.header(grid)] or not any(row["Key"] for row in self.rows().values()):
            return False
        self._write(self.header(grid) + 1, "Key", "")
        self.touched |= {identity(row["Caption"]) for row in self.rows().values()}
        return True

    def copy_file(self):
        """Somebody copies the spreadsheet, with whatever stands in it."""
        copy = object.__new__(PlanTab)
        copy.__dict__.update(self.__dict__, touched=set(self.touched), deleted=set(), edited=True)
        copy.id = self.box.google.add_spreadsheet(
            "Content Plan - Kopi Senja - Juli 2026 (2)", self.box.google.add_folder("Copies"), tabs={TAB: self.grid()}
        )
        copy.remember()
        return copy
