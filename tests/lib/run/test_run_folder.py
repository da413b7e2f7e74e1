"""Run folders and their files."""

import datetime as dt
import errno
import json
import os
import threading

import pytest

from lib import error_line, files
from lib.errors import FixInputError
from lib.plan import rows_file
from lib.report import run_index
from lib.run import __main__ as verify_command
from lib.run import archive, run_folder
from lib.run.run_folder import Sources
from lib.settings import ROOT
from tests import odd, runs
from tests.lib.plans import plan, row

MOMENT = dt.datetime(2026, 7, 5, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=7)))


def test_a_run_folder_is_named_by_utc_and_flow_and_never_shared(tmp_path):
    names = [run_folder.create(tmp_path / "out", "some-flow", MOMENT).name for _ in range(3)]
    assert names == ["20260704_200405_some-flow", "20260704_200405_some-flow_2", "20260704_200405_some-flow_3"]


def test_clients_whose_names_look_alike_get_folders_of_their_own(tmp_path):
    names = ["Kopi Senja", "kopi/senja", "../../etc", "'; rm -rf", "日本"]
    folders = [run_folder.client_folder(tmp_path, name) for name in names]
    assert [folder.name for folder in folders] == ["kopi-senja", "kopi-senja_2", "etc", "rm-rf", "client"]
    assert {folder.parent for folder in folders} == {tmp_path}


def test_a_json_file_has_metadata_and_data_and_readable_text(tmp_path):
    path = files.write_json(
        tmp_path / "a.json", [{"Topik": "Kopi ☕"}], workflow="flow", source="sheet", metadata={"x": 1}, more=[2]
    )
    text = path.read_text()
    assert "Kopi ☕" in text
    assert text.startswith('{\n  "metadata"')
    content = json.loads(text)
    assert content["metadata"] | {"executed_at": 0} == {
        "workflow": "flow", "executed_at": 0, "source": "sheet", "record_count": 1, "format_standards": files.FORMAT_STANDARDS, "x": 1,
    }  # fmt: skip
    assert content["metadata"]["executed_at"].endswith("Z")
    assert (content["more"], content["data"]) == ([2], [{"Topik": "Kopi ☕"}])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), MOMENT])
def test_what_is_not_json_leaves_the_old_file_as_it_was(tmp_path, value):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises((ValueError, TypeError)):
        files.write_json(path, [{"x": value}], workflow="flow", source="s")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "a.bin"
    files.write_bytes(path, b"0" * 1_000_000)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            content = path.read_bytes()
            seen.add((len(content), len(set(content))))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        files.write_bytes(path, str(number % 10).encode() * 1_000_000)
    stop.set()
    reader.join()
    assert seen == {(1_000_000, 1)}


@pytest.mark.parametrize("umask", [0, 0o022, 0o077], ids=oct)
@pytest.mark.parametrize(("setting", "others"), [("", 0o077), ("false", 0o077), ("true", 0o007)])
def test_what_a_run_leaves_is_for_its_owner_or_its_group_whatever_the_umask(
    tmp_path, monkeypatch, umask, setting, others
):
    monkeypatch.setenv("OUTPUT_FOR_GROUP", setting)
    before = os.umask(umask)
    try:
        output = tmp_path / "made/output"
        folder = run_folder.create(output, "flow", files.utc_now())
        client = run_folder.client_folder(folder, "Kopi Senja")
        files.write_json(client / "below/rows.json", [], workflow="flow", source="a")
        token = files.write_bytes(client / "token.json", b"x", private=True)
        run_index.rebuild(output)
        archived = archive.archive(runs.leave(output, [runs.row(1)]))
    finally:
        os.umask(before)
    assert token.stat().st_mode & 0o777 == 0o600
    token.unlink()
    found = {path: path.stat().st_mode & 0o777 for path in (output.parent, *output.parent.rglob("*"))}
    made = {
        output / ".index.lock",
        output / "index.html",
        archived,
        archived.parent / ".lock",
        client / "below/rows.json",
    }
    assert found.keys() >= made
    assert found == {path: (0o777 if path.is_dir() else 0o666) & ~others for path in found}


def test_a_folder_that_gives_its_group_on_goes_on_doing_so(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTPUT_FOR_GROUP", "true")
    tmp_path.chmod(0o2770)
    assert run_folder.create(tmp_path, "flow", files.utc_now()).stat().st_mode & 0o7777 == 0o2770


def test_the_manifest_lists_every_file_with_its_hash(tmp_path):
    (tmp_path / "client").mkdir()
    (tmp_path / "client/rows.json").write_bytes(b"abc")
    given = {"parameters": {"month": "Juli"}, "sources": Sources.now()}
    content = json.loads(run_folder.write_manifest(tmp_path, workflow="flow", **given).read_text())
    assert content["data"] == [
        {
            "path": "client/rows.json",
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "bytes": 3,
        }
    ]
    assert content["parameters"] == {"month": "Juli"}
    assert content["versions"]["prefect"]
    assert content["files"].keys() >= {"hashmap.py", "uv.lock", "notebooks/content_plan_to_jira.ipynb"}


@pytest.fixture
def finished(tmp_path):
    """A run folder as a run leaves it."""
    folder = run_folder.create(tmp_path, "content-plan-to-jira", MOMENT)
    for name in ("result.json", "kopi-senja/01_rows.json", "kopi-senja/02_drafts.json"):
        files.write_bytes(folder / name, name.encode())
    run_folder.write_manifest(folder, workflow="flow", parameters={}, sources=Sources.now())
    return folder


def test_an_unaltered_folder_is_verified_with_the_hash_of_its_manifest(finished, capsys):
    assert verify_command.main(["verify", str(finished)]) == 0
    told = capsys.readouterr().out
    assert "all 3 files are as its manifest says" in told
    assert files.sha256(finished / "manifest.json") in told


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        pytest.param(lambda f: (f / "result.json").write_bytes(b"{}"), "result.json: was changed", id="changed"),
        pytest.param(
            lambda f: (f / "kopi-senja/02_drafts.json").unlink(), "kopi-senja/02_drafts.json: is missing", id="removed"
        ),
        pytest.param(
            lambda f: (f / "kopi-senja/note.txt").write_text("x"), "kopi-senja/note.txt: was added", id="added"
        ),
    ],
)
def test_an_altered_file_is_named(finished, alter, told, capsys):
    alter(finished)
    assert verify_command.main(["verify", str(finished)]) == 1
    assert told in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda f: (f / "result.json").write_bytes(b"{}"), id="changed"),
        pytest.param(lambda f: (f / "kopi-senja/02_drafts.json").unlink(), id="removed"),
        pytest.param(lambda f: (f / "kopi-senja/note.txt").write_text("x"), id="added"),
        pytest.param(lambda _: None, id="only the time in the manifest"),
    ],
)
def test_a_manifest_with_recomputed_hashes_is_noticed_where_its_own_hash_is_known(finished, alter, capsys):
    manifest = finished / "manifest.json"
    digest = files.sha256(manifest)
    assert verify_command.main(["verify", str(finished), "--manifest", f" {digest.upper()}"]) == 0
    told = capsys.readouterr().out
    assert "outside" not in told
    assert "all 3 files are as the run wrote them" in told
    alter(finished)
    manifest.unlink()
    run_folder.write_manifest(finished, workflow="a flow", parameters={}, sources=Sources.now())
    assert verify_command.main(["verify", str(finished)]) == 0
    told = capsys.readouterr().out
    assert "which nothing outside of the folder was compared with (--manifest)" in told
    assert "as the run wrote them" not in told
    assert verify_command.main(["verify", str(finished), "--manifest", digest]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"manifest.json: is not the one that the run wrote, whose SHA-256 was {digest}"
    assert "1 file is not as the run wrote them" in told[-1]


@pytest.mark.parametrize("digest", ["0123", "g" * 64, f"sha256:{'0' * 64}"])
def test_a_hash_that_is_none_is_refused(finished, digest, capsys):
    with pytest.raises(SystemExit, match="2"):
        verify_command.main(["verify", str(finished), "--manifest", digest])
    assert "is no SHA-256; copy all of its 64 digits from the run's log" in capsys.readouterr().err


def test_a_notebook_of_the_project_that_changed_since_the_run_is_named(finished, capsys, monkeypatch):
    before = Sources.now().files
    changed = {**before, "notebooks/content_plan_to_jira.ipynb": "00"}
    monkeypatch.setattr(run_folder, "_source_files", lambda: changed)
    assert verify_command.main(["verify", str(finished)]) == 0
    told = capsys.readouterr().out
    assert "notebooks/content_plan_to_jira.ipynb: in the project, it has changed since this run" in told
    assert "hashmap.py" not in told


HASH = "0" * 64


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "is no file of a run folder"),
        ('{"data": ' + "[" * 200_000, "is nested too deeply"),
        ("{}", "data: Field required"),
        ('{"data": {}}', "data: Input should be a valid list"),
        ('{"data": [5]}', "data.0: "),
        ('{"data": [{"path": "a"}]}', "data.0.sha256: Field required"),
        ({"path": "/etc/passwd", "sha256": HASH}, "'/etc/passwd' is no path of a file below the run folder"),
        ({"path": "../a", "sha256": HASH}, "'../a' is no path of a file below the run folder"),
        ({"path": "a/./b", "sha256": HASH}, "'a/./b' is no path"),
        ({"path": "", "sha256": HASH}, "'' is no path"),
        ({"path": 5, "sha256": HASH}, "data.0.path: Input should be a valid string"),
        ({"path": "a", "sha256": 5}, "data.0.sha256: Input should be a valid string"),
        ({"path": "a", "sha256": None}, "data.0.sha256: Input should be a valid string"),
        ({"path": "a", "sha256": "d41d8cd98f00b204e9800998ecf8427e"}, "data.0.sha256: String should match"),
        ('{"data": [], "files": ["a"]}', "files: Input should be a valid dictionary"),
        ('{"data": [], "commit": {"a": 1}}', "commit: Input should be a valid string"),
        (
            f'{{"data": [{{"path": "a", "sha256": "{HASH}"}}, {{"path": "a", "sha256": "{HASH}"}}]}}',
            "'a' is listed twice",
        ),
    ],
    ids=range(18),
)
def test_a_manifest_that_no_run_wrote_is_refused_in_one_line(finished, capsys, content, says):
    text = content if isinstance(content, str) else json.dumps({"data": [content]})
    (finished / "manifest.json").write_text(text)
    assert verify_command.main(["verify", str(finished)]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert f"{finished / 'manifest.json'}: " in told.err
    assert says in told.err


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (odd.bind, "a socket"),
        (lambda path: path.symlink_to("/etc"), "a link"),
        (lambda path: path.symlink_to("/etc/passwd"), "a link"),
        (lambda path: path.symlink_to("gone"), "a link"),
        (lambda path: path.symlink_to(path), "a link"),
    ],
    ids=range(6),
)
@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("odd", "odd: was added, and is {}"),
        ("kopi-senja/odd", "kopi-senja/odd: was added, and is {}"),
        ("result.json", "result.json: is {}, not the file that the run wrote"),
    ],
    ids=["beside", "below", "instead"],
)
def test_links_pipes_and_sockets_are_named_and_none_is_opened(finished, capsys, make, kind, where, says):
    (finished / where).unlink(missing_ok=True)
    make(finished / where)
    assert verify_command.main(["verify", str(finished)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == says.format(kind)
    assert len(told) == 2, "nothing below a link is told"


@pytest.mark.parametrize(
    "make", [os.mkfifo, odd.bind, lambda path: path.symlink_to("/dev/zero"), os.mkdir], ids=range(4)
)
def test_a_manifest_that_is_no_file_is_not_waited_for(tmp_path, capsys, make):
    make(tmp_path / "manifest.json")
    assert verify_command.main(["verify", str(tmp_path)]) == 1
    assert "manifest.json: cannot be read (it is a" in capsys.readouterr().err


def test_the_folder_of_a_client_that_became_a_link_is_named(finished, tmp_path, capsys):
    (finished / "kopi-senja").rename(tmp_path / "elsewhere")
    (finished / "kopi-senja").symlink_to(tmp_path / "elsewhere")
    assert verify_command.main(["verify", str(finished)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == [
        "kopi-senja/01_rows.json: is missing",
        "kopi-senja/02_drafts.json: is missing",
        "kopi-senja: was added, and is a link",
    ]


def test_a_file_that_cannot_be_read_is_named_with_the_reason(finished, capsys, monkeypatch):
    opened = files.open_file

    def refuse(path):
        if path.name == "02_drafts.json":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(files, "open_file", refuse)
    assert verify_command.main(["verify", str(finished)]) == 1
    assert "kopi-senja/02_drafts.json: cannot be read (Permission denied)" in capsys.readouterr().out.splitlines()


def test_a_folder_in_it_that_cannot_be_read_is_named(finished, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("kopi-senja"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert (
        "kopi-senja: was added, and is a folder that cannot be read (Permission denied)"
        in run_folder.verify(finished).altered
    )


def test_a_file_whose_name_is_no_utf_8_is_listed_and_verified(tmp_path, capsys):
    (tmp_path / os.fsdecode(b"caf\xe9\n")).write_text("x")
    run_folder.write_manifest(tmp_path, workflow="flow", parameters={}, sources=Sources.now())
    assert verify_command.main(["verify", str(tmp_path)]) == 0
    (tmp_path / os.fsdecode(b"caf\xe9\n")).write_text("y")
    assert verify_command.main(["verify", str(tmp_path)]) == 1
    assert r"caf\xe9\n: was changed" in capsys.readouterr().out.splitlines()


def test_half_a_pair_of_utf_16_is_written_as_json_writes_it(tmp_path):
    path = files.write_json(tmp_path / "a.json", [{"x": "\ud800"}], workflow="flow", source="s")
    assert json.loads(path.read_bytes())["data"] == [{"x": "\ud800"}]


def test_what_is_no_finished_run_cannot_be_verified(tmp_path, capsys):
    assert verify_command.main(["verify", str(tmp_path)]) == 1
    assert "cannot be read; give the path of a run folder" in capsys.readouterr().err


def test_a_notebook_run_again_by_hand_leaves_the_finished_run_alone(finished):
    with pytest.warns(UserWarning, match="is finished and stays as it is"):
        spare = files.spare_finished(finished / "kopi-senja/02_drafts.json")
    assert spare == ROOT / "output/scratch" / finished.name / "kopi-senja/02_drafts.json"
    running = finished.parent / "20260625_020000_content-plan-to-jira" / "kopi-senja/02_drafts.json"
    assert files.spare_finished(running) == running


def test_a_plan_survives_its_rows_file(tmp_path):
    read = plan(row(1, "Kopi ☕\nbaris"), row(2.5, key="CP-1"))
    path = rows_file.save(read, tmp_path / "rows.json", workflow="flow")
    assert rows_file.load(path) == read
    metadata = json.loads(path.read_text())["metadata"]
    assert [column["data_type"] for column in metadata["plan"]["columns"]] == ["number", "text", "text", "text", "text"]


@pytest.mark.parametrize("content", [None, "{", "{}", '{"metadata": {"plan": {}}, "data": []}'])
def test_a_file_that_is_no_rows_file_is_refused(tmp_path, content):
    path = tmp_path / "rows.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FixInputError, match=r"rows\.json"):
        rows_file.load(path)


def test_a_full_disk_is_told_with_the_file_that_it_did_not_take(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = files.write_bytes(tmp_path / "a.json", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as failed:
        files.write_bytes(path, b"new")
    assert error_line.message_of(failed.value).startswith(
        f"{path}: no space is left there; make room, or write elsewhere"
    )
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
