"""Whether a run folder is as its run left it, its manifest included, which Prefect is asked about: `python flows/verify.py --help`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from lib import command, error_line
from lib.errors import FixInputError
from lib.run.__main__ import main as verify
from lib.terminal import printable, steady


def check(run: str, *, manifest: str | None = None) -> None:
    """
    Compare the files of a run folder with its manifest, and the manifest with its SHA-256 as the run's page in Prefect tells it.

    Where Prefect cannot be asked, or knows no such run, the manifest is believed, and the last line says so.

    Args:
        run: The run folder.
        manifest: SHA-256 of its `manifest.json`, from the run's log; Prefect is not asked then.

    Example:
        python flows/verify.py output/20260705_100000_content-plan-to-jira
    """


@steady()
def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when the folder is as it was written, 1 when it is not."""
    error_line.show_all()
    given = command.read(check, argv, program="python flows/verify.py")
    digest = given["manifest"] or _told(Path(given["run"]))
    return verify(["verify", given["run"], *(["--manifest", digest] if digest else [])])


def _told(folder: Path) -> str:
    """The manifest's hash as Prefect tells it; empty, and a line that says why, where it does not."""
    from flows import prefect_settings  # noqa: PLC0415  # what a wrong argument need not wait for

    prefect_settings.import_prefect()
    from flows import prefect_api, prefect_page  # noqa: PLC0415
    from lib import files  # noqa: PLC0415
    from lib.run import run_record  # noqa: PLC0415

    name = folder.resolve().name
    try:
        begun = run_record.begun_at(folder.resolve())
        found = asyncio.run(prefect_page.manifests_of(name, begun)) if prefect_api.address() else None
        now = files.sha256(folder / files.MANIFEST)
    except (FixInputError, OSError) as error:
        return _not_told(error_line.message_of(error))
    except Exception as error:  # noqa: BLE001  # whatever keeps Prefect from answering: what lies in the folder is compared all the same
        return _not_told(f"Prefect's API cannot be asked ({error_line.message_of(error)})")
    if found is None:
        return _not_told("Prefect is not asked, since PREFECT_API_URL is not set")
    if not found:
        return _not_told(f"Prefect knows no manifest of a run {name}")
    return now if now in found else found[0]


def _not_told(why: str) -> str:
    print(printable(f"{why}; take the manifest's SHA-256 from the run's log: --manifest"), file=sys.stderr)
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
