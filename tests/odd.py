"""What may lie in an output folder that no run left there, or that somebody changed since; made for tests."""

import os
import socket
from pathlib import Path

from tests import runs

NAME = "20260301_010000_content-plan-to-jira"


def result_of(output: Path, content: str | bytes) -> None:
    """A run whose `result.json` is this."""
    (output / NAME).mkdir()
    (output / NAME / "result.json").write_bytes(content if isinstance(content, bytes) else content.encode())


def changed_result(output: Path, old: str, new: str) -> None:
    """A run of the same moment whose `result.json` was edited."""
    folder = runs.leave(output, [runs.row(1)])
    path = folder / "result.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    folder.rename(output / NAME)


def gigantic(output: Path) -> None:
    """A file with a hole: large, and takes no disk."""
    result_of(output, "{")
    os.truncate(output / NAME / "result.json", 1 << 40)


def result_pipe(output: Path) -> None:
    """Opening it waits for a writer."""
    (output / NAME).mkdir()
    os.mkfifo(output / NAME / "result.json")


def result_socket(output: Path) -> None:
    """As servers leave them."""
    (output / NAME).mkdir()
    bind(output / NAME / "result.json")


def bind(path: Path) -> None:
    """Leave a socket; its address may not be as long as a path."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path.name)
    finally:
        os.chdir(before)


def result_folder(output: Path) -> None:
    """It cannot be read, whoever asks."""
    (output / NAME / "result.json").mkdir(parents=True)


def result_device(output: Path) -> None:
    """It never ends."""
    (output / NAME).mkdir()
    (output / NAME / "result.json").symlink_to("/dev/zero")


def result_loop(output: Path) -> None:
    """A link to itself."""
    (output / NAME).mkdir()
    (output / NAME / "result.json").symlink_to("result.json")


UNREADABLE = {
    "no JSON": (lambda output: result_of(output, "{"), "is no JSON"),
    "no object": (lambda output: result_of(output, "[]"), "is no file of a run folder"),
    "no UTF-8": (lambda output: result_of(output, b'{"a": "\xff"}'), "is no text in UTF-8"),
    "nested": (lambda output: result_of(output, '{"a": ' + "[" * 200_000), "is nested too deeply"),
    "empty": (lambda output: result_of(output, ""), "is no JSON"),
    "no start": (lambda output: changed_result(output, '"start_time"', '"began"'), "start_time: Field required"),
    "no moment": (lambda output: changed_result(output, "2026-06-25T01:00:00Z", "yesterday"), "start_time: "),
    "no zone": (lambda output: changed_result(output, "25T01:00:00Z", "25T01:00:00"), "it has no time zone"),
    "last moment": (lambda output: changed_result(output, "2026-06-25T01:00:00Z", "9999-12-31T23:59:59Z"), "calendar"),
    "months": (lambda output: changed_result(output, '"Juli 2026"\n  ]', '{"a": 1}\n  ]'), "months.0"),
    "summary": (lambda output: changed_result(output, '"summary": {', '"summary": [], "was": {'), "summary"),
    "clients": (lambda output: changed_result(output, '\n  "clients": {', '\n  "clients": 5, "was": {'), "clients"),
    "report": (lambda output: changed_result(output, '"flow":', '"report": 5, "flow":'), "report"),
    "rerun_of": (lambda output: changed_result(output, '"flow":', '"rerun_of": [], "flow":'), "rerun_of"),
    "gigantic": (gigantic, "is larger than any that a run writes"),
    "pipe": (result_pipe, "a named pipe"),
    "socket": (result_socket, "a socket"),
    "folder": (result_folder, "a folder"),
    "device": (result_device, "a device"),
    "loop": (result_loop, "cannot be read"),
}
"""Run folders whose result cannot be used: how to make one, and what is said of it."""


def called(output: Path, name: str | bytes) -> None:
    """A whole run under another name."""
    runs.leave(output, [runs.row(1)]).rename(output / os.fsdecode(name))


NO_RUNS = {
    "copy": (lambda output: called(output, f"{NAME} (copy)"), f"{NAME} (copy)", "is not called as"),
    "renamed": (lambda output: called(output, "best run"), "best run", "is not called as"),
    "markup": (lambda output: called(output, "<b>[red]x"), "<b>[red]x", "is not called as"),
    "newline": (lambda output: called(output, "a\nb\x1b[2J"), "a\nb\x1b[2J", "is not called as"),
    "bytes": (lambda output: called(output, b"caf\xe9"), r"caf\xe9", "is not called as"),
    "digits": (lambda output: called(output, "٢٠٢٦٠٣٠١_010000_x"), "٢٠٢٦٠٣٠١_010000_x", "is not called as"),
    "month 13": (lambda output: called(output, "20261301_010000_x"), "20261301_010000_x", "the calendar has"),
    "year 0": (lambda output: called(output, "00000101_010000_x"), "00000101_010000_x", "the calendar has"),
    "last day": (lambda output: called(output, "99991231_235959_x"), "99991231_235959_x", "the calendar has"),
    "file": (lambda output: (output / NAME).write_text("x"), NAME, "is a file, not a folder"),
    "pipe": (lambda output: os.mkfifo(output / NAME), NAME, "is a named pipe, not a folder"),
    "socket": (lambda output: bind(output / NAME), NAME, "is a socket, not a folder"),
    "broken link": (lambda output: (output / NAME).symlink_to("gone"), NAME, "is a link that leads to no folder"),
    "loop": (lambda output: (output / NAME).symlink_to(NAME), NAME, "is a link that leads to no folder"),
}
"""What looks like a run and is none: how to make it, how it is called, and why it is none."""


def leave_all(output: Path) -> list[str]:
    """Everything of both kinds, side by side; how each is called."""
    names = []
    for make, _why in UNREADABLE.values():
        make(output)
        names.append(NAME.replace("_010000", f"_02{len(names):02}00"))
        (output / NAME).rename(output / names[-1])
    for make, name, _why in NO_RUNS.values():
        make(output)
        names.append(f"{NAME}{len(names)}" if name == NAME else name)
        if name == NAME:
            (output / NAME).rename(output / names[-1])
    return names
