"""What a flow's parameters may be beyond their types, on a command line and where a run was recorded; light to import."""

import inspect
import math
import os
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lib import command
from lib.errors import FixInputError
from lib.formats import FormatError, parse_month

LONGEST_PAUSE_S = 3600
LONGEST_SETTLE_S = 86_400
MOST_DAYS = 36_500
MOST_ROWS = 10_000_000  # cells of a spreadsheet
DECISIONS = frozenset({"key", "create", "take", "forget_issue"})  # of flows/resolve.py, which carries out one


def plain(hint: Any) -> Any:
    """The type without its `| None`."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def check(parameters: Sequence[inspect.Parameter], given: Mapping[str, Any]) -> None:
    """
    Refuse values of the right type that mean nothing.

    Raises:
        FixInputError: Where, what is wrong, and what to write instead.
    """
    for one in parameters:
        value = given.get(one.name)
        if value is None or value == one.default:
            continue
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and not text.strip():
                raise FixInputError(command.flag(one), "is empty; write a value, or leave it out")
        if problem := CHECKS.get((one.name, plain(one.annotation)), _nothing)(value):
            raise FixInputError(command.flag(one), problem)
    if given.keys() >= DECISIONS:
        check_decision(given)


def check_decision(given: Mapping[str, Any]) -> None:
    """
    Whether a person decided one thing about a row.

    Raises:
        FixInputError: None or several, the row is missing, or what goes with another decision is there.
    """
    if sum(given[name] not in (None, False) for name in DECISIONS) != 1:
        raise FixInputError("content-plan-resolve", "needs exactly one of --key, --create, --take and --forget-issue")
    if given["row"] is None and given["forget_issue"] is None:
        raise FixInputError("content-plan-resolve", "needs the number of the row in the sheet, behind the plan")
    for name in ("field", "validate_only"):
        if given[name] and given["take"] is None:
            raise FixInputError(f"--{name.replace('_', '-')}", "goes with --take alone")


def _nothing(_value: Any) -> str:
    return ""


def _month(text: str) -> str:
    try:
        parse_month(text)
    except FormatError as error:
        return str(error)
    return ""


def _months(texts: Sequence[str]) -> str:
    return next(filter(None, map(_month, texts)), "")


def _pause(pair: Sequence[float]) -> str:
    shortest, longest = pair
    if 0 <= shortest <= longest <= LONGEST_PAUSE_S:
        return ""
    return f"{shortest:g} {longest:g} is no pause; write the shortest and the longest in seconds, such as 5 10 (at most {LONGEST_PAUSE_S})"


def _seconds(value: float) -> str:
    if math.isfinite(value) and 0 <= value <= LONGEST_SETTLE_S:
        return ""
    return f"{value:g} cannot be used; write a number of seconds from 0 to {LONGEST_SETTLE_S}"


def _from_1_to(most: int, what: str) -> Callable[[int], str]:
    def problem(value: int) -> str:
        return "" if 1 <= value <= most else f"{value} cannot be used; write {what} from 1 to {most}"

    return problem


def _key(text: str) -> str:
    if re.fullmatch(r"\s*[A-Za-z][A-Za-z0-9_]+-[0-9]+\s*", text):
        return ""
    return f"'{text}' is no key of an issue; write it as Jira shows it, such as CP-12"


def _block(text: str) -> str:
    if re.fullmatch(r"[a-z0-9-]+", text):
        return ""
    return f"'{text}' is no name of a block; it has lower-case letters, digits and dashes, as on Prefect's page Blocks"


def _plan(text: str) -> str:
    if re.search(r"/d/[A-Za-z0-9_-]+", text) or re.fullmatch(r"\s*[A-Za-z0-9_-]+\s*", text):
        return ""
    return f"'{text}' is no plan; write the spreadsheet's id, or its address from the browser"


def run_problem(text: str) -> str:
    """Why this is no run folder; empty when it may be one."""
    from lib import files  # noqa: PLC0415  # pydantic, which other checks need not wait for

    if not os.path.lexists(text):
        return f"{text} does not exist; write a run folder, such as output/20260705_100000_content-plan-to-jira"
    path = Path(text)
    if path.is_dir():
        return ""
    if path.is_symlink() and not path.exists():
        return f"{text} is a link that leads nowhere; write a run folder"
    if path.is_file():
        return f"{text} is a file; write the run folder that it lies in"
    return f"{text} is {files.kind_of(path)}; write a run folder"


def _compared(text: str) -> str:
    """Why this cannot be compared; a folder of runs can, when it is named twice."""
    if problem := run_problem(text):
        return problem
    from lib.run import run_record  # noqa: PLC0415

    folder = Path(text)
    try:
        if run_record.is_run(folder):
            run_record.read_head(folder)
        else:
            run_record.read(folder)
    except FixInputError as error:
        return str(error)
    return ""


CHECKS: dict[tuple[str, Any], Callable[[Any], str]] = {
    ("target_month", str): _month,
    ("target_months", list[str]): _months,
    ("delay_seconds", tuple[float, float]): _pause,
    ("settle_seconds", float): _seconds,
    ("days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("keep_days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("keep_failed_days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("row", int): _from_1_to(MOST_ROWS, "the number of a row"),
    ("key", str): _key,
    ("forget_issue", str): _key,
    ("google_credentials_block_name", str): _block,
    ("jira_credentials_block_name", str): _block,
    ("plan", str): _plan,
    ("run_a", str): _compared,
    ("run_b", str): _compared,
}
"""What is wrong with the value of a parameter of this name and type, in any flow; empty when nothing is."""
