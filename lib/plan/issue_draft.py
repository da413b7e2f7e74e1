"""From a row of a plan to the fields of a Jira issue.

The mapping stands in the notebook, where it is seen and changed: a dictionary from Jira field to its source
(`lib.plan.field_mapping`). Every column that no source uses goes into the description, under its own label, in sheet order.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from lib import files
from lib.errors import FixInputError
from lib.formats import FormatError, length_in_jira, match_key
from lib.messages import as_said, say
from lib.plan import adf
from lib.plan.content_plan import TIME, ContentPlan, PlanRow
from lib.plan.field_mapping import SUMMARY_LIMIT, Source, look_up
from lib.plan.problems import Kind, Problem

SYSTEM_FIELDS = frozenset(
    {
        "assignee",
        "components",
        "description",
        "duedate",
        "issuetype",
        "labels",
        "parent",
        "priority",
        "project",
        "reporter",
        "summary",
        "versions",
    }
)


def _check_one_line(text: str) -> str:
    if "\n" in text or "\r" in text or not text.strip() or length_in_jira(text) > SUMMARY_LIMIT:
        raise ValueError(f"must be one line of 1 to {SUMMARY_LIMIT} characters; make it with summary(...)")
    return text


def _check_document(document: dict[str, Any]) -> dict[str, Any]:
    if document.get("type") != "doc" or document.get("version") != 1 or not isinstance(document.get("content"), list):
        raise ValueError("must be an ADF document; make it with adf.describe(...)")
    if adf.text_size(document) > adf.LIMIT:
        raise ValueError(f"is longer than Jira takes ({adf.LIMIT} characters)")
    return document


def _check_iso_date(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


class DraftFields(BaseModel):
    """The fields of one issue as Jira's REST API takes them; custom fields by id."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    summary: Annotated[str, AfterValidator(_check_one_line)]
    project: dict[str, str]
    issuetype: dict[str, str]
    description: Annotated[dict[str, Any], AfterValidator(_check_document)] | None = None
    duedate: Annotated[str, AfterValidator(_check_iso_date)] | None = None
    labels: list[Annotated[str, Field(pattern=r"^\S{1,255}$")]] | None = None

    @model_validator(mode="after")
    def _known_names(self) -> "DraftFields":
        unknown = [name for name in self.__pydantic_extra__ if name not in SYSTEM_FIELDS and not is_custom_field(name)]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not a Jira field; use a name of CUSTOM_FIELDS, or customfield_…")
        return self


class IssueDraft(BaseModel):
    """What one row becomes: the fields of its issue, or None and the errors that stop it."""

    model_config = ConfigDict(extra="forbid")

    row: int = Field(ge=1)
    fields: DraftFields | None
    cells: dict[str, str] = Field(default_factory=dict, description="Field -> the cell it was made from.")
    problems: list[Problem] = []
    sections: list[adf.Section] = Field(
        default=[], description="What the description is made of; where all of it may be too long for Jira."
    )
    readable: dict[str, JsonValue] = Field(
        default={},
        description="Of a refused row, the fields whose cells are good: an issue that it has is kept in step in these.",
    )
    emptied: list[str] = Field(default=[], description="Fields whose cells hold nothing.")
    clears: list[str] = Field(
        default=[], description="Of these, those that an emptied cell clears in an issue, as the mapping says."
    )

    @model_validator(mode="after")
    def _says_why(self) -> "IssueDraft":
        if self.fields is None and not any(problem.level == "error" for problem in self.problems):
            raise ValueError("has neither fields nor an error that says why not")
        return self

    @property
    def refused(self) -> bool:
        """Whether our checks stopped the row."""
        return self.fields is None

    @property
    def drafted(self) -> dict[str, JsonValue]:
        """The fields that could be drafted, also of a refused row."""
        return self.readable if self.fields is None else self.as_jira()

    def described(self, *, shorter: bool = False) -> adf.Description:
        """The description anew: as long as Jira takes by its text, or by its JSON for a site that counts so."""
        return adf.describe(self.sections, adf.size if shorter else adf.text_size)

    def shortened(self) -> "IssueDraft":
        """The draft for a site that counts the JSON of a description; its `sections` say what it has no room for."""
        description = {"description": self.described(shorter=True).document}
        if self.fields is None:
            return self.model_copy(update={"readable": {**self.readable, **description}}) if self.readable else self
        return self.model_copy(update={"fields": self.fields.model_copy(update=description)})

    def as_jira(self) -> dict[str, JsonValue]:
        """The fields to send; fields without a value are left out."""
        return {} if self.fields is None else {name: value for name, value in self.fields if value is not None}


class Drafts(BaseModel):
    """
    The notebook's result: one draft per row, and what is odd about the mapping or the plan as a whole.

    `field_names` are what people call the fields, by id; a run adds them.
    """

    data: list[IssueDraft]
    problems: list[Problem] = []
    field_names: dict[str, str] = {}


def shown_field(field: str, names: Mapping[str, str]) -> str:
    """A field as people know it, `Start Date (customfield_10015)`; a system field and one without a name by its id."""
    return f"{names[field]} ({field})" if is_custom_field(field) and field in names else field


def is_custom_field(name: str) -> bool:
    """Whether this is the id of a custom field."""
    return re.fullmatch(r"customfield_[0-9]+", name) is not None


def make_drafts(
    plan: ContentPlan,
    mapping: Mapping[str, Source],
    custom_fields: Mapping[str, str],
    check_row: Callable[[PlanRow], list[Problem]],
) -> Drafts:
    """
    One draft per row of the plan, in sheet order.

    Args:
        plan: The plan.
        mapping: Jira field -> its source. A field is a system field, `customfield_…`, or a name in `custom_fields`.
        custom_fields: Field name -> id. A name without an entry is a problem of the whole plan: its column then stays
            in the description.
        check_row: What is wrong and odd about a row; a row with an error is refused and gets no fields.
    """
    fields, problems = _resolve(mapping, custom_fields)
    drafts = [_draft(plan, row, fields, check_row(row)) for row in plan.rows]
    return Drafts(data=drafts, problems=[*plan.problems, *problems])


def _resolve(
    mapping: Mapping[str, Source], custom_fields: Mapping[str, str]
) -> tuple[dict[str, Source], list[Problem]]:
    fields: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, source in mapping.items():
        field = name if name in SYSTEM_FIELDS or is_custom_field(name) else look_up(custom_fields, name)
        if field is None:
            message = say(
                "there is no entry for '{name}'; add the field's id (customfield_…). Until then it stays empty",
                name=name,
            )
            problems.append(Problem.of("hashmap.py CUSTOM_FIELDS", message, level="warning", kind=Kind.MAPPING))
            continue
        fields[field] = source
        problems += [problem for problem in source.problems if problem not in problems]
    return fields, problems


def _draft(plan: ContentPlan, row: PlanRow, sources: Mapping[str, Source], problems: list[Problem]) -> IssueDraft:
    problems = list(problems)
    fields: dict[str, Any] = {}
    emptied: list[str] = []
    cells = {
        name: plan.address(row.row, source.column) for name, source in sources.items() if plan.label(source.column)
    }
    used = {match_key(label) for source in sources.values() if (label := plan.label(source.column))}
    for name, source in sources.items():
        cell = plan.address(row.row, source.column)
        try:
            reading = source.read(plan, row)
        except FormatError as error:
            if not any(problem.where == cell and problem.level == "error" for problem in problems):
                problems.append(Problem.of(cell, error.said))
            continue
        if reading.value is not None:
            fields[name] = reading.value
        elif name in cells:
            emptied.append(name)
        if reading.warning:
            problems.append(Problem.of(cell, as_said(reading.warning), level="warning"))
        if reading.repeat:
            used.discard(match_key(plan.label(source.column)))
    sections = _sections(plan, row, used) if "description" not in fields else []
    described = adf.describe(sections) if sections else None
    long = sections if described and (described.cut or adf.size(described.document) > adf.LIMIT) else []
    clears = [name for name in emptied if sources[name].clears]
    wrong = {problem.where for problem in problems if problem.level == "error"}
    if wrong:
        readable = {name: value for name, value in fields.items() if cells.get(name) not in wrong}
        if described and not any(section.address in wrong for section in sections):
            readable["description"] = described.document
        return IssueDraft(
            row=row.row,
            fields=None,
            cells=cells,
            problems=problems,
            sections=long,
            readable=readable,
            emptied=[name for name in emptied if cells[name] not in wrong],
            clears=clears,
        )
    if described:
        fields["description"] = described.document
        message = say("is too long for Jira; cut in the description, a comment goes on")
        problems += [Problem.of(section.address, message, level="warning") for section in described.cut]
    content = {"row": row.row, "fields": fields, "cells": cells, "problems": problems, "sections": long}
    return IssueDraft.model_validate({**content, "emptied": emptied, "clears": clears})


def _sections(plan: ContentPlan, row: PlanRow, used: Container[str]) -> list[adf.Section]:
    """
    The columns that no field uses; and of the others what their fields cannot hold: addresses behind words, and notes.

    A time in Tanggal stands under Waktu, also where the plan has no such column.
    """
    sections = []
    for column in plan.columns:
        address = plan.address(row.row, column.label)
        if match_key(column.label) not in used or column.label in row.linked:
            text = row.content(column.label)
            sections.append(
                adf.Section(column.label, plan.text(row, TIME) if column.name == TIME and not text else text, address)
            )
        in_use = match_key(column.label) in used and column.name == "Tanggal" and plan.label(TIME) is None
        if in_use and (time := plan.time_in_date(row)):
            sections.append(adf.Section(TIME, time, address))
        if note := row.notes.get(column.label):
            sections.append(adf.Section(f"{column.label} (note)", note, address))
    return sections


def save(drafts: Drafts, path: Path, *, workflow: str, source: str) -> Path:
    """Write the drafts file, whole or not at all; beside a finished run, not into it."""
    content = drafts.model_dump(mode="json", exclude_none=False)
    written = files.spare_finished(path)
    return files.write_json(written, content["data"], workflow=workflow, source=source, problems=content["problems"])


def load(path: Path, rows: Sequence[PlanRow], *, notebook: str) -> Drafts:
    """
    Read what a notebook made of these rows.

    Raises:
        FixInputError: The file is missing, a draft is not one, or a row has no draft or two.
    """
    advice = "repair the notebook, or take back its last change"
    try:
        drafts = Drafts.model_validate({k: v for k, v in json.loads(path.read_bytes()).items() if k != "metadata"})
    except FileNotFoundError:
        raise FixInputError(notebook, f"left no {path.name}; {advice}") from None
    except ValidationError as error:
        raise FixInputError(f"{notebook}, {path.name}", f"{_first_error(error)}; {advice}") from None
    except ValueError as error:
        raise FixInputError(f"{notebook}, {path.name}", f"is not JSON ({error}); {advice}") from None
    made, wanted = [draft.row for draft in drafts.data], [row.row for row in rows]
    if made != wanted:
        lost = sorted(set(wanted) - set(made)) or sorted(set(made) - set(wanted)) or made
        raise FixInputError(
            f"{notebook}, {path.name}",
            f"must have one draft per row, in sheet order; look at rows {', '.join(map(str, lost[:10]))}; {advice}",
        )
    return drafts


def _first_error(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
