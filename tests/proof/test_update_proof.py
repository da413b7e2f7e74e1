"""The proof of the update: whatever fails, dies or is edited, nothing that a person typed is lost unsaid, and passes come to rest.

Each seed is a schedule of people on both sides (tests/proof/update_schedule.py), played and made smaller as those of
`test_exactly_once_proof.py`; `make soak N=5000` plays more of both.
"""

import pytest

from lib.update import three_way
from lib.update.plan_update import PlanUpdate
from lib.update.three_way import State
from tests.proof.script import COMMON, Event, Play, Script
from tests.proof.test_exactly_once_proof import Stage, shared_clients
from tests.proof.update_schedule import FAULTS, SEND, UpdateSchedule, draw

__all__ = ["shared_clients"]
TRIED = 60  # schedules, of which some must fail when a part is broken


@pytest.fixture
def stage(box, tmp_path, shared_clients):
    return Stage(box, tmp_path, shared_clients, UpdateSchedule)


def test_no_schedule_of_edits_loses_what_a_person_typed(update_seed, stage):
    script = draw(update_seed)
    try:
        stage.play(script)
    except AssertionError as error:
        raise stage.shrink(script, error) from None


def _guess(compare=three_way.compare):
    """Conflicts go to the plan, without asking anybody."""

    def compared(*given):
        found = compare(*given)
        return [three_way.take([one], "plan", None)[0] if one.state is State.CONFLICT else one for one in found]

    return compared


async def _look_nowhere(_update, _updates):
    return None


def _remember_nothing(update, row, *_given):
    return dict(row.state.row)


BREAKS = {
    "conflicts are guessed": (three_way, "compare", _guess()),
    "nobody looks at what fell between": (PlanUpdate, "_look_between", _look_nowhere),
    "issues do not remember what they were sent": (PlanUpdate, "_new_row", _remember_nothing),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_the_proof_notices(broken, stage, monkeypatch):
    """With one part of the update broken on purpose, one of the first schedules must fail, or the one in which both sides change."""
    monkeypatch.setattr(*BREAKS[broken])
    both = tuple(Event("edit", name=name, chance=1) for name in ("plan topic", "issue summary"))
    for script in (Script(0, rows=1, bad=0.0, plays=(Play(later=both),)), *map(draw, range(TRIED))):
        try:
            stage.play(script)
        except AssertionError:
            return
    pytest.fail(f"{broken}, and {TRIED} schedules noticed nothing")


def test_a_fault_at_any_request_of_a_pass_is_made_up_for(stage):
    """The plan changed a field, a person in Jira another one. The request that sends it fails in each way, the others in turn."""
    changes = tuple(Event("edit", name=name, chance=1) for name in ("plan topic", "issue due date"))
    clean = stage.play(Script(0, rows=1, bad=0.0, plays=(Play(later=changes),)))
    requests = clean.requests
    assert requests.count(SEND) == 1
    for place, operation in enumerate(requests):
        kinds = [*FAULTS.get(operation, COMMON).items()]
        if operation != SEND:
            kinds = [kinds[place % len(kinds)]] if requests.index(operation) == place else []
        for kind, name in kinds:
            options = (("delay_s", 30),) if kind == "late-apply" else ()
            event = Event(kind, operation, requests[:place].count(operation), name=name, options=options)
            stage.play(Script(0, rows=1, bad=0.0, plays=(Play(later=changes, events=(event,)),)))
