"""The box itself: reset, snapshots, its control routes, its state file, its command line, its speed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from sandbox.google.cells import Formatted
from sandbox.seed import seed
from sandbox.seed.seed_plans import KOPI, PLANS
from sandbox.server import Sandbox
from sandbox.state_file import StateFileError
from tests.processes import wait_until
from tests.sandbox.site import Site, document

ROOT = Path(__file__).parents[2]


def test_reset_goes_back_to_the_beginning(box, site):
    site.created()
    box.google.write(KOPI.spreadsheet_id, "'Content Plan'!A1", [["coretan"]])
    box.fault("getCurrentUser", "500")
    lag_s, box.jira.index_lag_s = box.jira.index_lag_s, 400
    box.reset()
    assert box.jira.index_lag_s == lag_s
    assert ([issue.key for issue in box.jira.issues], box.journal, box.faults_left) == (
        ["CP-1", "CP-2", "CP-3", "CP-4", "MAR-11"],
        [],
        {},
    )
    assert box.google.grid(KOPI.spreadsheet_id, "Content Plan")[0][0] == "CONTENT PLAN KOPI SENJA"
    assert site.created() == "CP-5"


def test_a_snapshot_is_a_copy_that_nothing_changes(box, site):
    key = site.created(labels=["a"])
    kept = box.snapshot()
    box.jira.issue(key).fields["labels"].append("b")
    site.created()
    box.restore(kept)
    assert (box.jira.issue(key).labels, box.jira.issues[-1].key) == (["a"], key)


def test_reset_and_snapshots_are_cheap(box):
    for act in (box.reset, box.snapshot, lambda: box.restore(box.snapshot())):
        best = min(_seconds(act, time.thread_time) for _ in range(5))  # its own work, whatever else the machine does
        assert best < 0.02, f"{act} took {best:.3f} s"


def _seconds(act, clock=time.perf_counter):
    start = clock()
    act()
    return clock() - start


def test_a_kept_connection_is_answered_within_milliseconds(box, jira):
    url = box.url + "/rest/api/3/serverInfo"
    jira.get(url)
    best = min(_seconds(lambda: jira.get(url)) for _ in range(20))
    assert best < 0.01, f"{best * 1000:.1f} ms: is TCP_NODELAY set?"


def test_an_empty_box_has_accounts_and_projects_and_nothing_else():
    with Sandbox(seed=False) as box, Site(box) as site:
        assert (box.google.spreadsheets, box.google.files, box.jira.issues) == ({}, {}, [])
        assert site.drive().json()["files"] == []
        assert site.created() == "CP-1"


def test_two_boxes_do_not_share_anything():
    with Sandbox() as one, Sandbox() as other, Site(one) as site:
        site.created()
        assert len(one.jira.issues) == len(other.jira.issues) + 1


def test_requests_from_many_threads_do_not_get_in_each_others_way(box):
    def work(_):
        with Site(box) as site:
            return [site.created() for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        keys = [key for made in pool.map(work, range(8)) for key in made]
    assert sorted(keys) == sorted(f"CP-{number}" for number in range(5, 165))


def test_a_box_with_a_request_under_way_ends_at_once():
    start = time.monotonic()
    with Sandbox() as box:
        box.fault("getServerInfo", "slow", delay_s=60)
        with pytest.raises(requests.ReadTimeout):
            requests.get(box.url + "/rest/api/3/serverInfo", timeout=(30, 0.05))
    assert time.monotonic() - start < 30


def test_a_taken_port_is_told(box):
    port = int(box.url.rpartition(":")[2])
    with pytest.raises(OSError), Sandbox(port):
        pass


def test_the_environment_points_a_client_here(box):
    settings = box.environment()
    assert settings["GOOGLE_API_ENDPOINT"] == settings["JIRA_URL"] == box.url
    assert settings["CLIENTS_SPREADSHEET_ID"] in box.google.spreadsheets


def test_people_can_work_at_a_sheet(box, plan):
    google, tab = box.google, "Bu Tini's"
    google.move_rows(plan, tab, 2, 2, 6)
    google.sort_rows(plan, tab, 2, 5, 1, descending=True)
    google.delete_rows(plan, tab, 2)
    google.write(plan, "'Bu Tini''s'!C2", [["=1+1"]], typed=False)
    assert [row[:3] for row in google.grid(plan, tab)] == [
        ["No", "Tanggal", "Topik"],
        [2, "5 Juli 2026", "=1+1"],
        [1, 46208, "Satu"],
    ]


# Control routes


def test_another_process_can_queue_faults_and_read_the_journal(box, site):
    fault = {"operation": "getCurrentUser", "kind": "429", "retry_after": 3, "times": 2}
    made = requests.post(box.url + "/sandbox/faults", json=fault)
    assert (made.status_code, made.json()["times"]) == (201, 2)
    assert site.jira("GET", "myself").headers["Retry-After"] == "3"
    told = requests.get(box.url + "/sandbox/faults").json()
    assert told["faults_left"] == {"getCurrentUser": ["429"]}
    assert {"createIssues", "drive.files.list", "oauth.token"} <= set(told["operations"])
    assert requests.delete(box.url + "/sandbox/faults").status_code == 204
    (entry,) = requests.get(box.url + "/sandbox/journal").json()
    assert (entry["operation"], entry["status"], entry["fault"]) == ("getCurrentUser", 429, "429")


@pytest.mark.parametrize(
    "body", [{}, {"operation": "getCurrentUser", "kind": "no"}, [], "x", {"kind": 5, "operation": 5}]
)
def test_a_fault_that_makes_no_sense_is_refused(box, body):
    answer = requests.post(box.url + "/sandbox/faults", json=body)
    assert (answer.status_code, "error" in answer.json()) == (400, True)


def test_another_process_can_edit_and_reset(box, plan):
    edit = {"spreadsheetId": KOPI.spreadsheet_id, "range": "Catatan!A1", "values": [["1-2"]], "typed": False}
    assert requests.post(box.url + "/sandbox/edit", json=edit).status_code == 204
    assert box.google.grid(KOPI.spreadsheet_id, "Catatan")[0] == ["1-2"]
    trash = {"fileId": KOPI.spreadsheet_id, "trashed": True, "name": "Lain", "access": "read"}
    assert requests.post(box.url + "/sandbox/edit", json=trash).status_code == 204
    file = box.google.files[KOPI.spreadsheet_id]
    assert (file.trashed, file.name, file.editable) == (True, "Lain", False)
    assert requests.post(box.url + "/sandbox/reset").status_code == 204
    assert box.google.files[KOPI.spreadsheet_id].trashed is False


@pytest.mark.parametrize(
    "edit",
    [{}, {"spreadsheetId": "x", "requests": []}, {"issueKey": "CP-1"}, {"issueKey": "NO-1", "delete": True}, [],
     {"spreadsheetId": KOPI.spreadsheet_id, "requests": [{"deleteNamedRange": {"namedRangeId": "x"}}]}],
)  # fmt: skip
def test_an_edit_that_makes_no_sense_is_refused(box, edit):
    assert requests.post(box.url + "/sandbox/edit", json=edit).status_code == 400


# The state file


def test_the_state_is_kept_between_two_starts(tmp_path):
    path = tmp_path / "deep" / "state.json"
    with Sandbox(state_path=path) as box, Site(box) as site:
        key = site.created(description=document("Halo"), customfield_10043={"value": "Post"})
        box.jira.issue(key).properties["p"] = {"a": [1, 2.5, None]}
        site.jira("POST", f"issue/{key}/comment", body={"body": document("x")})
        made = box.google.add_spreadsheet("Baru", "", {"T": [[Formatted(0.35, "PERCENT"), 7, True, "#REF!", "=A1"]]})
        where = {"namedRangeId": "lock", "name": "kunci", "range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1}}
        box.google.edit(made, [{"addNamedRange": {"namedRange": where}}])
        before = (box.google.state, box.jira.state)
    with Sandbox(state_path=path) as again:
        assert (again.google.state, again.jira.state) == before
        assert again.jira.issue(key).properties == {"p": {"a": [1, 2.5, None]}}


def test_the_file_is_written_soon_after_a_change(tmp_path):
    path = tmp_path / "state.json"
    with Sandbox(state_path=path) as box, Site(box) as site:
        site.created(summary="Segera ditulis")
        wait_until(lambda: path.exists() and "Segera ditulis" in path.read_text("utf-8"))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 0}', '{"version": 1}', '{"version": 1, "google": {"x": 1}, "jira": {}}']
)
def test_a_broken_state_file_is_named_with_the_way_out(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(StateFileError, match=f"{path.name}.*--reset"):
        Sandbox(state_path=path)


# The command line


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def test_the_command_serves_until_it_is_interrupted_and_keeps_the_state(tmp_path):
    port, path = free_port(), tmp_path / "state.json"
    process = started("--port", str(port), "--state", str(path), "--index-lag", "0")
    printed = "".join(iter(process.stdout.readline, "Ctrl-C ends it.\n"))
    assert printed.startswith(f"The sandbox is at http://127.0.0.1:{port}.")
    assert f"export JIRA_URL=http://127.0.0.1:{port}" in printed
    assert requests.post(f"http://127.0.0.1:{port}/sandbox/edit", json={"issueKey": "CP-1", "delete": True}).ok
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "CP-1" not in [issue["key"] for issue in json.loads(path.read_text())["jira"]["issues"].values()]


def test_a_broken_state_file_or_a_taken_port_ends_the_command_with_advice(box, tmp_path):
    path = tmp_path / "state.json"
    path.write_text("{")
    broken = started("--port", "0", "--state", str(path))
    assert "--reset" in broken.communicate(timeout=60)[1]
    taken = started("--port", box.url.rpartition(":")[2])
    assert "name another --port" in taken.communicate(timeout=60)[1]
    assert (broken.returncode, taken.returncode) == (1, 1)


def test_reset_begins_anew(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("{")
    process = started("--port", "0", "--state", str(path), "--reset", "--no-seed")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert json.loads(path.read_text())["google"]["spreadsheets"] == {}


def test_help_tells_every_option():
    printed = subprocess.run(
        [sys.executable, "-m", "sandbox", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in ("--host", "--port", "--state", "--index-lag", "--reset", "--no-seed"):
        assert option in printed


def test_starting_imports_nothing_heavy():
    code = "import sys, sandbox.__main__; print(sorted({'pandas', 'prefect', 'numpy', 'googleapiclient.discovery'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Pages


@pytest.mark.parametrize(
    "path", ["/", "/issues", "/browse/CP-1", *(f"/spreadsheets/{p.spreadsheet_id}" for p in PLANS)]
)
def test_pages_need_nothing_from_elsewhere(box, path):
    answer = requests.get(box.url + path)
    assert answer.status_code == 200
    assert 'name="viewport"' in answer.text
    assert "light dark" in answer.text
    for elsewhere in ('src="http', 'href="http', "@import", "url(http"):
        assert elsewhere not in answer.text.replace(f'href="{box.url}', "")


def test_the_overview_leads_to_plans_and_shows_the_journal(box, site):
    box.fault("getCurrentUser", "500")
    box.fault("getServerInfo", "429")
    site.jira("GET", "myself")
    text = requests.get(box.url + "/").text
    for wanted in (
        f"/spreadsheets/{KOPI.spreadsheet_id}",
        "Klinik Gigi Cemara",
        "getCurrentUser",
        "429",
        "Masih Excel",
    ):
        assert wanted in text
    site.jira("GET", "serverInfo")


def test_a_spreadsheet_page_shows_rows_columns_and_links_keys(box, plan):
    box.google.write(plan, "'Bu Tini''s'!D2", [["CP-1"]])
    text = requests.get(f"{box.url}/spreadsheets/{plan}").text
    assert '<a href="/browse/CP-1">CP-1</a>' in text
    assert "05/07/2026" in text
    assert ">D</th>" in text


def test_everything_on_a_page_is_escaped(box, site):
    evil = "<script>alert(1)</script>"
    link = {"type": "text", "text": evil, "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]}
    body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [link]}]}
    key = site.created(summary=evil, description=body)
    box.jira.issue(key).properties["p"] = {"x": evil}
    site.jira("POST", f"issue/{key}/comment", body={"body": body})
    box.google.write(KOPI.spreadsheet_id, "Catatan!A1", [[evil]])
    for path in (f"/browse/{key}", "/issues", f"/spreadsheets/{KOPI.spreadsheet_id}"):
        text = requests.get(box.url + path).text
        assert "<script" not in text
        assert "javascript:" not in text
        assert "&lt;script&gt;" in text


def test_an_issue_page_renders_its_document(box, site):
    content = [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Judul"}]},
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "tebal", "marks": [{"type": "strong"}]},
                {"type": "hardBreak"},
                {
                    "type": "text",
                    "text": "ke",
                    "marks": [{"type": "link", "attrs": {"href": "https://a.example/?b=1&c"}}],
                },
            ],
        },
    ]
    key = site.created(description={"type": "doc", "version": 1, "content": content})
    text = requests.get(f"{box.url}/browse/{key}").text
    assert "<h2>Judul</h2><p><strong>tebal</strong><br>" in text
    assert '<a href="https://a.example/?b=1&amp;c" rel="noreferrer">ke</a>' in text


@pytest.mark.parametrize("path", ["/browse/NO-1", "/spreadsheets/nope", "/nope"])
def test_pages_that_do_not_exist_are_404(box, path):
    assert requests.get(box.url + path).status_code == 404


def test_seed_ids_look_like_googles():
    ids = [seed.CLIENTS_SPREADSHEET_ID, seed.MESSY_CLIENTS_SPREADSHEET_ID, *(plan.spreadsheet_id for plan in PLANS)]
    assert [len(one) for one in ids] == [44] * len(ids)


@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": "rebound.example"},
        {"Host": "127.0.0.1.rebound.example:8089"},
        {"Host": "10.1.2.3"},
        {"Host": "[::1"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_what_a_foreign_page_makes_a_browser_send_is_refused(box, foreign):
    for method, path in [("GET", "/"), ("POST", "/sandbox/reset"), ("GET", "/rest/api/3/myself"), ("POST", "/token")]:
        answer = requests.request(method, f"{box.url}{path}", headers=foreign, timeout=30)
        assert (answer.status_code, answer.text.split(":")[0]) == (403, "The sandbox refuses this request")
    assert box.journal == []


def test_programs_and_its_own_pages_are_answered(box):
    port = box.url.rpartition(":")[2]
    for own in ({}, {"Host": f"localhost:{port}"}, {"Host": "[::1]:8089"}, {"Origin": box.url}):
        assert requests.get(box.url, headers=own, timeout=30).status_code == 200


def test_told_to_listen_everywhere_it_answers_to_addresses_and_names_of_a_private_network():
    with Sandbox(seed=False, host="0.0.0.0") as box:
        for host, status in {"sandbox:8089": 200, "10.1.2.3": 200, "rebound.example": 403}.items():
            assert requests.get(box.url, headers={"Host": host}, timeout=30).status_code == status


def test_pages_run_nothing_send_no_form_and_stand_in_no_other_page(box, site):
    key = site.created()
    for path in ("/", "/issues", f"/browse/{key}", f"/spreadsheets/{KOPI.spreadsheet_id}"):
        answer = requests.get(f"{box.url}{path}", timeout=30)
        policy = set(answer.headers["Content-Security-Policy"].split("; "))
        assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= policy
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
