"""A flow returns its result, never raises, and shows as Failed in Prefect when something failed."""

import asyncio
import errno
import logging
import pickle
import re
from pathlib import Path

import httpx
import pytest
from prefect import tags, task
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import prefect_api
from flows.performance_report import performance_report
from flows.reporting_flow import NEEDS_ATTENTION, NOTHING_NEW, RERUN_TAG, FlowFailedError, exit_code, reporting_flow
from lib.errors import FixInputError
from tests.servers import Gate

ADDING = (Path(__file__).parents[2] / "docs/adding.md").read_text()

COUNTS = {"rows": 2, "created": 2, "rejected": 0, "uncertain": 0, "flagged": 0}


def result_of(**changed):
    return {
        "start_time": "2026-07-05T10:00:00Z",
        "end_time": "2026-07-05T10:00:01Z",
        "data": [],
        "summary": dict(COUNTS),
        **changed,
    }


@task
async def failing():
    raise FixInputError("Plan", "is empty")


@reporting_flow(name="example")
async def example(kind: str = "good", number: int = 1):
    if kind == "raises":
        raise FixInputError("Plan", "is empty")
    if kind == "task":
        await failing()
    if kind == "full":
        raise OSError(errno.ENOSPC, "No space left on device", "/mnt/output")
    if kind == "bug":
        raise KeyError("x")
    if kind == "attention":
        return result_of(summary={**COUNTS, "flagged": 1, "rejected": 2})
    if kind == "told":
        return result_of(summary={**COUNTS, "flagged": 1}, nothing_new=True, bottom_line="As before.")
    if kind == "error again":
        return result_of(error="Kopi Senja: no plan", nothing_new=True, bottom_line="As before.")
    return result_of(error="Kopi Senja: no plan") if kind == "error" else result_of(number=number)


async def last_run():
    async with get_client() as client:
        [run] = await client.read_flow_runs(limit=1, sort="EXPECTED_START_TIME_DESC")
        history = await client.read_flow_run_states(run.id)
        return run.state, [state.type.value for state in history]


def run(**parameters):
    async def both():
        return await example(**parameters), *await last_run()

    return asyncio.run(both())


@pytest.mark.usefixtures("prefect_engine")
def test_a_good_run_is_completed_and_gives_its_result():
    result, state, _ = run(number=3)
    assert (result["number"], state.type.value, state.name) == (3, "COMPLETED", "Completed")
    assert exit_code(result) == 0


@pytest.mark.usefixtures("prefect_engine")
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("error", "Kopi Senja: no plan"),
        ("raises", "Plan: is empty"),
        ("task", "Plan: is empty"),
        (
            "full",
            "/mnt/output: no space is left there; make room, or write elsewhere with --output-dir or OUTPUT_DIR, and run the command again",
        ),
        ("bug", "KeyError: 'x'"),
    ],
)
def test_a_failed_run_gives_its_result_and_shows_as_failed_alone(kind, says):
    result, state, history = run(kind=kind)
    assert result["error"] == says
    assert result["end_time"].endswith("Z")
    assert (state.type.value, history[-1]) == ("FAILED", "FAILED")
    assert "COMPLETED" not in history
    assert says in state.message
    assert exit_code(result) == 1


@pytest.mark.usefixtures("prefect_engine")
def test_a_run_whose_rows_need_a_person_is_completed_under_a_name_of_its_own():
    result, state, _ = run(kind="attention")
    assert (state.type.value, state.name, state.message) == ("COMPLETED", NEEDS_ATTENTION, "2 rejected, 1 flagged")
    assert result["summary"]["flagged"] == 1
    assert exit_code(result) == 2


@pytest.mark.usefixtures("prefect_engine")
def test_what_an_earlier_run_told_alerts_nobody_and_stays_in_the_result():
    result, state, _ = run(kind="told")
    assert (state.type.value, state.name, state.message) == ("COMPLETED", NOTHING_NEW, "As before.")
    assert result["summary"]["flagged"] == 1
    assert exit_code(result) == 2


@pytest.mark.usefixtures("prefect_engine")
def test_an_error_is_a_failure_however_often_it_was_told():
    result, state, _ = run(kind="error again")
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert exit_code(result) == 1


@pytest.mark.usefixtures("prefect_engine")
@pytest.mark.parametrize("parameters", [{"number": "many"}, {"unknown": 1}])
def test_wrong_parameters_are_a_result_too(parameters):
    result = asyncio.run(example(**parameters))
    assert next(iter(parameters)) in result["error"]
    assert exit_code(result) == 1
    assert (result["flow"], result["state"], result["parameters"]) == (example.name, "failed", parameters)


ALWAYS = set(re.findall(r"`(\w+)`", ADDING.partition("Every result has")[2].partition("\n\n")[0]))


@pytest.mark.usefixtures("prefect_engine")
def test_each_result_has_the_keys_that_are_documented_also_of_a_run_that_fails_before_it_has_a_folder(tmp_path):
    assert len(ALWAYS) > 12
    whole = asyncio.run(performance_report(output_dir=str(tmp_path), days=0))
    early = [asyncio.run(performance_report(days="many")), run(kind="raises")[0]]
    for result in (whole, *early):
        assert ALWAYS - result.keys() == set()
        assert result["error"] in result["bottom_line"]
    assert [bool(result["run_folder"]) for result in (whole, *early)] == [True, False, False]


@pytest.mark.usefixtures("prefect_engine")
def test_a_rerun_that_fails_before_it_has_a_folder_says_what_it_reruns():
    with tags("mine", f"{RERUN_TAG}20260705_100000_example"):
        assert run(kind="raises")[0]["rerun_of"] == "20260705_100000_example"
    assert run(kind="raises")[0]["rerun_of"] is None


@pytest.mark.usefixtures("prefect_engine")
def test_options_keep_the_kind_of_flow_and_retries_are_real():
    result = asyncio.run(example.with_options(retries=1, name="again")(kind="error"))
    assert result["error"] == "Kopi Senja: no plan"
    assert type(example.with_options(name="other")) is type(example)


@pytest.fixture
def gate(prefect_engine, monkeypatch):
    """The way to Prefect's API; both its being away and its coming back are told at once."""
    monkeypatch.setattr(prefect_api, "PAUSE_S", 0)
    monkeypatch.setattr(prefect_api, "_in_vain", {})
    gate = Gate(httpx.URL(PREFECT_API_URL.value()).port)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{gate.port}/api"}):
        yield gate
    gate.open()  # for good: Prefect sends what it still has to tell after the test


def test_an_api_that_is_away_at_the_end_is_waited_for(gate, monkeypatch):
    asked, health = [], prefect_api._health

    async def come_back():
        asked.append(await health())
        if len(asked) == 2:
            gate.open()
        return asked[-1]

    @reporting_flow(name="example-away")
    async def away():
        gate.shut()
        return result_of()

    async def both():
        return await away(), await last_run()

    monkeypatch.setattr(prefect_api, "_health", come_back)
    result, (state, _) = asyncio.run(both())
    assert [bool(failed) for failed in asked] == [True, True, False]
    assert (result.get("error"), state.name) == (None, "Completed")


def test_an_api_that_stays_away_costs_no_result_and_little_time(gate, monkeypatch):
    """Prefect's clients would ask for minutes, five times for each state."""
    monkeypatch.setattr(prefect_api, "OUTAGE_S", 0)
    retries = []

    @reporting_flow(name="example-gone")
    async def gone():
        gate.shut()
        return result_of(error="Kopi Senja: no plan")

    async def run():
        result = await gone()
        retries.append(PREFECT_CLIENT_MAX_RETRIES.value())
        return result

    result = asyncio.run(run())
    assert retries == [0]
    assert result["error"].startswith("Kopi Senja: no plan; Prefect's API cannot be asked (")
    assert result["error"].endswith("start Prefect's server before the next one")
    assert result["summary"] == COUNTS


@pytest.mark.usefixtures("prefect_engine")
def test_the_state_can_be_asked_for():
    state = asyncio.run(example(kind="error", return_state=True))
    assert state.is_failed()


def test_without_the_engine_the_function_gives_its_result():
    assert asyncio.run(example.fn(kind="raises"))["error"] == "Plan: is empty"
    assert asyncio.run(example.fn(number=2))["number"] == 2


def test_a_failed_result_crosses_processes():
    error = pickle.loads(pickle.dumps(FlowFailedError(result_of(error="x"))))
    assert (error.result["error"], str(error)) == ("x", "x")


@pytest.fixture
def logged(prefect_engine):
    """What Prefect logs of a run, as lines with tracebacks."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    loggers = [logging.getLogger(name) for name in ("prefect.flow_runs", "prefect.task_runs")]
    for logger in loggers:
        logger.addHandler(handler)
    yield lines
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("kind", ["error", "raises", "task", "full"])
def test_what_a_person_has_to_correct_is_logged_without_a_traceback(logged, kind):
    result, _, _ = run(kind=kind)
    told = [line for line in logged if "ERROR" in line or result["error"] in line or "Traceback" in line]
    assert told
    assert not [line for line in told if "\n" in line], told
    assert [line for line in told if line.startswith("Finished in state Failed")]


def test_at_debug_and_of_our_own_mistakes_the_traceback_stays(logged):
    run(kind="bug")
    assert [line for line in logged if "Traceback" in line and "KeyError" in line]
    logged.clear()
    logging.getLogger("prefect.flow_runs").setLevel(logging.DEBUG)
    run(kind="raises")
    assert [line for line in logged if "Traceback" in line and "FixInputError" in line]
