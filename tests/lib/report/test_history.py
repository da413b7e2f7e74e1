"""What is new, solved and still open since the run before; rows are told apart as people would tell them."""

import datetime as dt
import re

import pytest

from lib.report import audit, history
from lib.run import run_record
from tests import runs


def waiting(number, topic=None, **more):
    return runs.row(number, "refused", topic=topic, problems=[runs.problem("no date", f"'Juli'!B{number}")], **more)


def leave_all(output, *lists, **more):
    """One run per list of rows, an hour apart; the last one's record and history."""
    for hour, rows in enumerate(lists):
        folder = runs.leave(output, rows, at=runs.START + dt.timedelta(hours=hour), **more)
    record = run_record.read(folder)
    return record, history.read(record)


def ages(record, past):
    return {row["row"]: past.since[place] for place, row in enumerate(record.rows) if place in past.since}


def test_a_run_without_another_before_it_says_nothing_of_since(tmp_path):
    record, past = leave_all(tmp_path, [waiting(7)])
    assert ages(record, past) == {7: 0}
    assert "Since the run before" not in audit.show_bottom_line(record, past).data
    assert "since" not in audit.to_do(record, past).data


def test_rows_are_new_still_open_or_solved(tmp_path):
    record, past = leave_all(
        tmp_path,
        [waiting(7), waiting(8)],
        [waiting(7), waiting(8), runs.row(9)],
        [waiting(7), runs.row(8), waiting(9)],
    )
    assert ages(record, past) == {7: 3, 9: 1}
    assert [(one.row["row"], one.row["outcome"], one.now) for one in past.solved] == [(8, "refused", "created")]
    assert "(25 Juni 2026 pukul 09.00 WIB): 1 new, 1 solved, 1 still open." in audit.show_bottom_line(record, past).data
    listed = audit.to_do(record, past).data
    assert listed.count(">3 runs</td>") == listed.count(">new</td>") == 1
    assert re.findall(r'data-label="(?:then|now)">(.*?)<', audit.solved(past).data) == ["refused", "created"]


def test_a_row_is_known_by_its_topic_when_rows_were_inserted_above_it(tmp_path):
    record, past = leave_all(tmp_path, [waiting(7, "Kopi susu")], [waiting(7, "Teh tarik"), waiting(8, "KOPI  susu")])
    assert ages(record, past) == {7: 1, 8: 2}
    assert past.solved == []


def test_a_row_that_was_deleted_is_no_longer_in_the_plan(tmp_path):
    _, past = leave_all(tmp_path, [waiting(7), runs.row(8)], [runs.row(8)])
    assert [one.now for one in past.solved] == [history.GONE]


def test_a_run_that_did_not_read_the_plan_makes_no_row_new_and_solves_none(tmp_path):
    runs.leave(tmp_path, [waiting(7)])
    runs.leave(tmp_path, [runs.row(3, client="Toko Rimba")], at=runs.START + dt.timedelta(hours=1))
    stopped = {"Kopi Senja": {"error": "no access"}}
    folder = runs.leave(tmp_path, [], at=runs.START + dt.timedelta(hours=2), plans=stopped, clients=stopped)
    assert history.read(run_record.read(folder)).solved == []
    record, past = leave_all(tmp_path, [], [], [], [waiting(7)])
    assert ages(record, past) == {7: 2}


@pytest.mark.parametrize(
    "other",
    [{"months": ["Agustus 2026"]}, {"flow": "content-plan-watch"}, {"sandbox": True}],
    ids=lambda other: next(iter(other)),
)
def test_runs_of_another_kind_do_not_count(tmp_path, other):
    runs.leave(tmp_path, [waiting(7)], **other)
    record = run_record.read(runs.leave(tmp_path, [waiting(7)], at=runs.START + dt.timedelta(hours=1)))
    assert history.read(record).runs == []


def test_a_run_over_workers_counts_once(tmp_path):
    """Its clients' runs lie beside it and began after it."""
    part = runs.leave(tmp_path, [waiting(7)], at=runs.START + dt.timedelta(minutes=1))
    runs.leave(tmp_path, [waiting(7)], plans={"Kopi Senja": {"run": part.name}})
    record = run_record.read(runs.leave(tmp_path, [waiting(7)], at=runs.START + dt.timedelta(hours=1)))
    assert ages(record, history.read(record)) == {7: 2}


def test_what_is_open_for_longer_than_is_looked_at_says_so(tmp_path):
    record, past = leave_all(tmp_path, *([[waiting(7)]] * (history.MOST_RUNS + 2)))
    assert len(past.runs) == history.MOST_RUNS
    assert f"{history.MOST_RUNS + 1} runs or more" in audit.to_do(record, past).data


def test_a_run_before_that_cannot_be_read_is_left_out(tmp_path):
    broken = runs.leave(tmp_path, [waiting(7)])
    (broken / "result.json").write_text("{")
    record = run_record.read(runs.leave(tmp_path, [waiting(7)], at=runs.START + dt.timedelta(hours=1)))
    assert history.read(record).runs == []
