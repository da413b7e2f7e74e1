"""Which file in a client's Drive folder is the plan of a month."""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from lib.errors import ConflictError, FixInputError
from lib.formats import FormatError, Month, match_key, parse_month
from lib.messages import Said, say
from lib.plan.client_list import Client
from lib.services.models import OFFICE, DriveFile

FOLDERS_PER_QUERY = 40
_EXTENSION = re.compile(r"\.(xlsx|xlsm|xls|ods)$")


class NoPlanError(FixInputError):
    """The client has no plan for the month (yet)."""


class Drive(Protocol):
    """What finding plans needs of Google Drive."""

    async def find_files(self, folder_ids: Sequence[str]) -> list[DriveFile]: ...


async def find_files(
    drive: Drive, folder_ids: Iterable[str]
) -> tuple[dict[str, list[DriveFile]], dict[str, FixInputError]]:
    """
    The spreadsheets in each folder, and the folders that cannot be looked into, with the reason.

    Many folders share a query; only when one of them spoils it, each is asked for by itself.
    """
    wanted = list(dict.fromkeys(folder_ids))
    files: dict[str, list[DriveFile]] = {folder: [] for folder in wanted}
    errors: dict[str, FixInputError] = {}
    for start in range(0, len(wanted), FOLDERS_PER_QUERY):
        chunk = wanted[start : start + FOLDERS_PER_QUERY]
        try:
            found = await drive.find_files(chunk)
        except (FixInputError, ConflictError) as error:
            if len(chunk) == 1:
                errors[chunk[0]] = FixInputError(_folder(chunk[0]), error.problem)
                continue
            found = None
        if found is None or not all(set(file.parents) & set(chunk) for file in found):
            for folder in chunk:
                alone, failed = await _find_alone(drive, folder)
                files[folder], errors = alone, errors | failed
            continue
        for file in found:
            for folder in set(file.parents) & set(chunk):
                files[folder].append(file)
    return files, errors


async def _find_alone(drive: Drive, folder: str) -> tuple[list[DriveFile], dict[str, FixInputError]]:
    try:
        return await drive.find_files([folder]), {}
    except (FixInputError, ConflictError) as error:
        return [], {folder: FixInputError(_folder(folder), error.problem)}


def _folder(folder_id: str) -> Said:
    return say("Drive folder {id}", id=folder_id)


def find_plan(files: Iterable[DriveFile], client: Client, month: Month) -> DriveFile:
    """
    The client's plan for the month among the files of its folder.

    Raises:
        NoPlanError: There is none; the message names the files seen.
        FixInputError: There is more than one, or only one of another program, such as Excel.
    """
    own = list(files)
    alike = list({file.id: file for file in own if _is_plan(file.name, client.name, month)}.values())
    found = [
        file for file in alike if not _of_office(file)
    ] or alike  # what was converted goes before what it was made from
    where, name = _folder(client.folder_id), plan_name(client.name, *str(month).split())
    if not found:
        seen = ", ".join(f"'{file.name}'" for file in own[:10]) or say(
            "no spreadsheet at all; check the folder's id and that it is shared"
        )
        raise NoPlanError(where, say("has no spreadsheet named '{name}'. Seen: {seen}", name=name, seen=seen))
    if len(found) > 1:
        seen = ", ".join(f"'{file.name}' ({file.id})" for file in found)
        raise FixInputError(
            where,
            say("has more than one plan for {month}: {seen}. Rename or remove all but one", month=month, seen=seen),
        )
    if _of_office(found[0]):
        raise FixInputError(
            f"'{found[0].name}'",
            say(
                "is a file of Excel or another program, which Sheets only shows; open it and choose File > Save as Google Sheets"
            ),
        )
    return found[0]


def plan_name(client: str, month_name: str, year: int | str) -> str:
    """How a plan is called: `Content Plan - Kopi Senja - Juli 2026`."""
    return f"Content Plan - {client} - {month_name} {year}"


def read_plan_name(name: str) -> tuple[str, Month] | None:
    """Client and month of a plan's name, as people type it; None when it names no plan."""
    match = re.fullmatch(
        r"content plan ?[-–—] ?(.+?) ?[-–—] ?([0-9]{4}-[0-9]{1,2}|[^-–—]+-[0-9]{4}|[^-–—]+)",
        " ".join(name.split()),
        re.IGNORECASE,
    )
    month = _read_month(match[2]) if match else None
    return (match[1], month) if match and month else None


def _is_plan(name: str, client: str, month: Month) -> bool:
    """Whether a file's name says client and month, in any spelling of the month that `parse_month` takes."""
    start = _plain_name(plan_name(client, "", "")).rstrip()
    plain = _plain_name(name)
    return plain.startswith(start) and _read_month(plain.removeprefix(start)) == month


def _read_month(text: str) -> Month | None:
    try:
        return parse_month(text)
    except FormatError:
        return None


def _of_office(file: DriveFile) -> bool:
    return file.mime_type in OFFICE


def _plain_name(name: str) -> str:
    """The name whatever its case, spaces and dashes, without the extension of an uploaded file."""
    return re.sub(r" ?- ?", "-", _EXTENSION.sub("", match_key(name)))
