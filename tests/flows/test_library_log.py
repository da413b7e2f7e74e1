"""What is logged of a run: where it can be seen, how, and what never is."""

import asyncio
import io
import logging
import re

import pytest
from prefect import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_LOGGING_LEVEL, temporary_settings

from flows import clients, library_log
from lib.exactly_once.plan_run import PlanResult, RowResult
from lib.exactly_once.reconcile import Outcome
from lib.plan.problems import Problem
from lib.terminal import SteadyStream
from sandbox.seed import seed


async def logged(flow_run_id):
    """What Prefect has of a run's lines, as (logger, level, message), once the last one has arrived."""
    found = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    async with get_client() as prefect:
        for _ in range(100):
            lines = await prefect.read_logs(found, limit=200)
            if any("; manifest " in line.message for line in lines):
                return [(line.name, line.level, line.message) for line in lines]
            await asyncio.sleep(0.1)
    raise AssertionError(f"the lines of the run did not arrive: {lines}")


@pytest.fixture
def lines(services, run):
    def go(**parameters):
        result = run(client_names=["Klinik Gigi Cemara"], **parameters)
        return asyncio.run(logged(result["flow_run_id"]))

    return go


def test_progress_names_client_counts_batch_duration_and_rows_per_second(lines):
    told = [message for _, level, message in lines() if level == logging.INFO]
    number = r"\d+\.\d"
    assert any(
        re.fullmatch(rf"Klinik Gigi Cemara: batch 1 of 1: 16 rows in {number} s \({number} rows/s\)", m) for m in told
    )
    assert any(
        re.fullmatch(rf"Klinik Gigi Cemara: 16 rows in {number} s \({number} rows/s\): 16 created", m) for m in told
    )


def test_a_console_on_a_stream_that_a_command_has_made_steady_is_told_the_same():
    """A command makes its outputs steady before it imports Prefect, whose handler then writes to such a stream from its first line on."""
    written = io.StringIO()
    handler = PrefectConsoleHandler(stream=SteadyStream(written))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        library_log.show()
        library_log.show()
        tasks = logging.getLogger("prefect.task_runs")
        handler.handle(tasks.makeRecord(tasks.name, logging.INFO, "", 0, "Finished in state Completed()", (), None))
        handler.handle(tasks.makeRecord(tasks.name, logging.INFO, "", 0, "Kopi\x1b[31m :coffee:", (), None))
    finally:
        root.removeHandler(handler)
    assert len(handler.filters) == 1
    [line] = written.getvalue().splitlines()
    assert line.endswith("Kopi\\x1b[31m :coffee:")


def test_a_wait_for_a_busy_service_is_a_warning_of_the_run_in_prefect(lines, services):
    services.fault("bulkFetchIssues", "429", retry_after=0)
    warnings = [(name, message) for name, level, message in lines() if level == logging.WARNING]
    assert any(
        name == "lib.services.retry" and "too many requests; trying again in" in message for name, message in warnings
    )


def test_each_row_that_is_skipped_is_a_warning_with_its_cell_and_what_to_do(services, run):
    result = run(client_names=["Kopi Senja", "Siapa Ini"])
    warnings = [m for _, level, m in asyncio.run(logged(result["flow_run_id"])) if level == logging.WARNING]
    refused = [p for row in result["data"] if row["outcome"] == "refused" for p in row["problems"]]
    assert len(refused) == 3
    for problem in refused:
        assert f"Kopi Senja, {problem['where']}, refused: {problem['message']}" in warnings
    assert any(m.startswith("Siapa Ini: is not in the client list") for m in warnings)


@pytest.mark.parametrize(("rows", "more"), [(50, 0), (51, 1), (400, 350)])
def test_a_plan_full_of_mistakes_is_no_flood_of_warnings(caplog, rows, more):
    result = PlanResult()
    for number in range(rows):
        result.by_row[number] = RowResult(
            number, Outcome.REFUSED, problems=[Problem(where=f"A{number}", message="is wrong")]
        )
        result.by_row[rows + number] = RowResult(rows + number, Outcome.CREATED, "CP-1")
    clients.warn("Kopi Senja", result, logging.getLogger("a run"))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Kopi Senja, A0, refused: is wrong"
    assert len(lines) == min(rows, 50) + bool(more)
    assert (lines[-1] == f"Kopi Senja: {more} more; the report lists them all") == bool(more)


def test_debug_lines_say_how_each_call_went_without_secrets_and_without_content(lines, services):
    before = {logger: logger.level for logger in map(logging.getLogger, ("prefect", "prefect.flow_runs", "lib"))}
    with temporary_settings({PREFECT_LOGGING_LEVEL: "DEBUG"}):
        for name in ("prefect", "prefect.flow_runs"):
            logging.getLogger(name).setLevel(logging.DEBUG if name == "prefect" else logging.NOTSET)
        try:
            told = lines()
        finally:
            for logger, level in before.items():
                logger.setLevel(level)
    calls = [message for name, level, message in told if name == "lib.services.api_calls" and level == logging.DEBUG]
    assert any(re.fullmatch(r"Jira, issue/bulk: answered after \d+ ms", message) for message in calls)
    assert any(message.startswith("Google, ") for message in calls)
    everything = "\n".join(message for _, _, message in told)
    environment = services.environment()
    secrets = [value for name, value in environment.items() if re.search("SECRET|TOKEN$", name)]
    assert secrets
    topics = {issue.fields["summary"] for issue in services.jira.issues if issue.key.startswith(seed.PROJECT_KEY)}
    assert topics
    assert [text for text in (*secrets, *topics) if text in everything] == []
