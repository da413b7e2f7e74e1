"""Whether a run folder is as its run left it: `python -m lib.run verify --help`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lib import command, error_line
from lib.errors import FixInputError
from lib.formats import plural
from lib.terminal import printable, steady


def run(task: Literal["verify"], run: str, *, manifest: str | None = None) -> None:
    """
    Compare the files of a run folder with the manifest that its run wrote; with --manifest, that one with its SHA-256, too.

    Who alters a file can put its new hash into the manifest. Then only the manifest's own hash tells, which stands outside of the
    folder: `python flows/verify.py` asks Prefect for it.

    Args:
        task: What to do.
        run: The run folder.
        manifest: SHA-256 of its `manifest.json`, from the last lines of the run's log or from the run's page in Prefect.

    Example:
        python -m lib.run verify output/20260705_100000_content-plan-to-jira
    """


@steady()
def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when the folder is as it was written, 1 when it is not."""
    error_line.show_all()
    given = command.read(run, argv, program="python -m lib.run")
    folder, digest = Path(given["run"]), (given["manifest"] or "").strip().lower()
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        command.refuse(f"--manifest: '{digest}' is no SHA-256; copy all of its 64 digits from the run's log")
    from lib.run import run_folder  # noqa: PLC0415  # what a wrong argument need not wait for

    try:
        verdict = run_folder.verify(folder, digest)
    except (FixInputError, OSError) as error:
        error_line.show(error)
        return 1
    for line in verdict.altered:
        print(printable(line))  # noqa: T201
    for name in verdict.sources:
        line = f"{name}: in the project, it has changed since this run (commit {verdict.commit})"
        print(printable(line))  # noqa: T201
    altered = len(verdict.altered)
    line = (
        f"{plural(altered, 'file')} {'is' if altered == 1 else 'are'} not"
        if altered
        else f"all {verdict.files} files are"
    )
    known = "as the run wrote them" if altered or digest else "as its manifest says"  # which may have been made anew
    believed = "" if digest else ", which nothing outside of the folder was compared with (--manifest)"
    print(printable(f"{folder.name}: {line} {known}; manifest {verdict.manifest_sha256}{believed}"))  # noqa: T201
    return 1 if verdict.altered else 0


if __name__ == "__main__":
    raise SystemExit(main())
