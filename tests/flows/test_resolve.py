"""Decisions as a flow and as a command."""

import asyncio
import json
from pathlib import Path

import pytest

from flows import command_line, resolve
from flows.content_plan_to_jira import content_plan_to_jira
from flows.reporting_flow import exit_code
from flows.resolve import content_plan_resolve
from lib import command
from sandbox.seed import seed


@pytest.fixture
def run(services, tmp_path):
    def go(flow=content_plan_resolve, **parameters):
        return asyncio.run(flow(**{"delay_seconds": (0, 0), "output_dir": str(tmp_path), **parameters}))

    return go


def test_a_decision_is_carried_out_and_said(run, services):
    made = run(content_plan_to_jira, target_month=seed.MONTH, client_names=["Klinik Gigi Cemara"])["data"][2]
    plan, row = made["spreadsheet_id"], made["row"]
    column = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[services.google.grid(plan, made["tab"])[0].index("Key")]
    cell = f"'{made['tab']}'!{column}{row}"

    def key_in_row():
        return services.google.grid(plan, made["tab"])[row - 1][-1]

    services.google.write(plan, cell, [[""]], typed=False)
    given = run(plan=f"https://docs.google.com/spreadsheets/d/{plan}/edit#gid=0", row=row, key=made["key"])
    assert given["done"].startswith(f"Klinik Gigi Cemara, row {row} (")
    assert given["data"][0] | {"problems": []} == made | {"outcome": "existing", "problems": []}
    assert key_in_row() == made["key"]
    services.google.write(plan, cell, [[""]], typed=False)
    again = run(plan=plan, row=row, create=True)
    assert again["summary"]["created"] == 1
    assert again["data"][0]["key"] != made["key"]
    assert key_in_row() == again["data"][0]["key"]
    forgotten = run(plan=plan, forget_issue=made["key"])
    assert "no longer belongs to" in forgotten["done"]
    assert {exit_code(result) for result in (given, again, forgotten)} == {0}
    metadata = [json.loads(path.read_text())["metadata"] for path in Path(again["run_folder"]).rglob("*.json")]
    assert {each["workflow"] for each in metadata} == {"content-plan-resolve"}
    assert json.loads((Path(again["run_folder"]) / "result.json").read_text())["metadata"]["source"] == plan


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"row": 2}, "needs exactly one of"),
        ({"row": 2, "key": "CP-1", "create": True}, "needs exactly one of"),
        ({"create": True}, "needs the number of the row"),
        ({"row": 2, "create": True}, "not found; check the id"),
    ],
)
def test_a_wrong_decision_says_what_is_missing(run, parameters, said):
    result = run(plan="1unknown", **parameters)
    assert said in result["error"]
    assert exit_code(result) == 1


def test_a_spreadsheet_that_is_no_plan_is_named(run, services):
    other = services.google.add_spreadsheet("Anggaran", "", tabs={"Juli": [["Topik"]]})
    assert "'Anggaran': is not named like a plan" in run(plan=other, row=2, create=True)["error"]


def test_plan_and_row_need_no_flags():
    flow = command_line.of_file(Path(resolve.__file__))
    given = command.read(flow, ["1abc", "12", "--key", "CP-3"], program="python flows/resolve.py")
    assert (given["plan"], given["row"], given["key"]) == ("1abc", 12, "CP-3")
    assert command.read(flow, ["1abc", "--forget-issue", "CP-3"], program="python flows/resolve.py")["row"] is None
    flags = command_line.flags(flow, {"plan": "1abc", "row": 12, "key": "CP-3"})
    assert flags == ["1abc", "12", "--key", "CP-3"]
