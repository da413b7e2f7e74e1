"""The manifest's own hash on a run's page in Prefect: what was altered together with the manifest is noticed by it."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import verify
from lib.run import __main__ as without_prefect
from lib.run import run_folder
from lib.run.run_folder import Sources
from tests import runs
from tests.servers import free_port

pytestmark = pytest.mark.report


def forge(folder):
    """Alter a file, and the manifest so that it fits."""
    (folder / "result.json").write_text((folder / "result.json").read_text().replace("Klinik", "Clinic"))
    (folder / "manifest.json").unlink()
    run_folder.write_manifest(folder, workflow="content-plan-to-jira", parameters={}, sources=Sources.now())


def test_prefect_tells_of_a_manifest_that_was_made_anew(run, capsys):
    folder = Path(run(client_names=["Klinik Gigi Cemara"], validate_only=True)["run_folder"])
    run(client_names=["Toko Rimba"], validate_only=True)  # another one of about the same time
    assert verify.main([str(folder)]) == 0
    told = capsys.readouterr()
    assert "as the run wrote them" in told.out
    assert "outside" not in told.out
    forge(folder)
    assert without_prefect.main(["verify", str(folder)]) == 0
    assert verify.main([str(folder)]) == 1
    assert "manifest.json: is not the one that the run wrote, whose SHA-256 was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"http://127.0.0.1:{free_port()}/api", "Prefect's API cannot be asked ("),
        ("", "Prefect is not asked, since PREFECT_API_URL is not set"),
        (None, "Prefect knows no manifest of a run 20260625_010000_content-plan-to-jira"),
    ],
    ids=["away", "none", "another server's run"],
)
def test_where_prefect_cannot_tell_the_folder_is_compared_with_its_manifest_and_that_is_said(
    prefect_engine, tmp_path, capsys, address, says
):
    folder = runs.leave(tmp_path, [runs.row(1)])
    with temporary_settings({} if address is None else {PREFECT_API_URL: address}):
        assert verify.main([str(folder)]) == 0
    told = capsys.readouterr()
    assert told.err.startswith(says)
    assert told.err.endswith("take the manifest's SHA-256 from the run's log: --manifest\n")
    assert "which nothing outside of the folder was compared with" in told.out


def test_a_hash_that_is_given_is_compared_with(tmp_path, capsys):
    folder = runs.leave(tmp_path, [runs.row(1)])
    assert verify.main([str(folder), "--manifest", "0" * 64]) == 1
    assert "manifest.json: is not the one that the run wrote" in capsys.readouterr().out
