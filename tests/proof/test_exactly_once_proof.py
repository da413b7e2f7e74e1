"""The proof: whatever fails, dies, lags or is edited, a row has at most one issue ever, and in the end exactly one.

Each seed is a schedule (tests/proof/schedule.py) through the flow's own steps and the real client libraries, against the sandbox over
HTTP, on a clock that moves instead of waiting. `make soak N=5000` plays more; a failing one is played again with
`python -m pytest tests/proof --seeds 1234-1234`.
"""

import pytest

from lib import claims, issue_maker, reconcile
from tests.conftest import RunClock
from tests.proof.schedule import Schedule, clients


@pytest.fixture(scope="module")
def shared_clients(running_box):
    made = clients(running_box, RunClock(running_box.clock))
    yield made
    for port in made:
        port.api.close()


def play(seed, box, clock, run_clock, folder, made):
    schedule = Schedule(box, clock, run_clock, folder, seed, made)
    try:
        schedule.play()
    except BaseException as error:
        error.add_note(f"seed {seed}: " + "; ".join(schedule.said))
        raise


def test_no_schedule_makes_a_second_issue_or_loses_a_row(seed, box, clock, run_clock, tmp_path, shared_clients):
    play(seed, box, clock, run_clock, tmp_path, shared_clients)


async def believe_nothing_was_made(_maker, tokens, **_options):
    return issue_maker.Settled({}, set(tokens), clean=True)


BREAKS = {
    "lost answers are not settled": (issue_maker.IssueMaker, "settle", believe_nothing_was_made),
    "claims are believed unseen": (claims, "standing", lambda wanted, _now: {claim.token for claim in wanted}),
    "orphans are not looked for": (reconcile, "likeness", lambda *_: ""),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_the_proof_notices(broken, box, clock, run_clock, tmp_path, shared_clients, monkeypatch):
    """With one part of the making broken on purpose, some of the first schedules must fail."""
    monkeypatch.setattr(*BREAKS[broken])
    for seed in range(100):
        box.reset()
        try:
            play(seed, box, clock, run_clock, tmp_path / str(seed), shared_clients)
        except AssertionError:
            return
    pytest.fail(f"{broken}, and 100 schedules noticed nothing")
