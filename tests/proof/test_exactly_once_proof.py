"""The proof: whatever fails, dies, lags or is edited, a row has at most one issue ever, and in the end exactly one.

Each seed is a schedule, drawn as data (tests/proof/script.py) and played (tests/proof/schedule.py) through the flow's own steps and the real
client libraries, against the sandbox over HTTP, on a clock that moves instead of waiting. A schedule that fails is made smaller for
as long as it fails, and printed. `make soak N=5000` plays more, and says how often each kind of event was met; a failing one is played
again with `python -m pytest tests/proof -k no_schedule --seeds 1234-1234`.
"""

import logging

import pytest

from lib.exactly_once import claims, issue_maker, reconcile
from tests.proof.schedule import Schedule, clients
from tests.proof.script import draw, smaller

TRIES_TO_SHRINK = 150


@pytest.fixture(scope="module")
def shared_clients(running_box):
    made = clients(running_box, running_box.clock)
    yield made
    for port in made:
        port.api.close()


class Stage:
    """Plays scripts, each on a sandbox as it was at first."""

    def __init__(self, box, folder, made, kind=Schedule):
        self.box, self.folder, self.made, self.kind = box, folder, made, kind
        self.start = box.clock.seconds
        self.count = 0

    def play(self, script):
        self.box.reset()
        self.box.clock.seconds = self.start
        self.count += 1
        schedule = self.kind(self.box, self.box.clock, self.folder / str(self.count), script, self.made)
        try:
            schedule.play()
        except BaseException as error:
            error.add_note("\n".join([str(script), "what happened:", *(f"  {line}" for line in schedule.said)]))
            raise
        finally:
            self.box.clear_faults()
        return schedule

    def fails(self, script, like):
        """The error of the same kind with which the script fails; None when it does not."""
        try:
            self.play(script)
        except type(like) as error:
            return error
        except Exception:  # noqa: BLE001  # another one is not what is looked for
            return None
        return None

    def shrink(self, script, error):
        """The smallest script found that fails like this one, and its error."""
        logging.disable(logging.CRITICAL)
        try:
            going = True
            while going and self.count < TRIES_TO_SHRINK:
                going = False
                for less in smaller(script):
                    if self.count >= TRIES_TO_SHRINK:
                        break
                    if found := self.fails(less, error):
                        script, error, going = less, found, True
                        break
        finally:
            logging.disable(logging.NOTSET)
        return error


@pytest.fixture
def stage(box, tmp_path, shared_clients):
    return Stage(box, tmp_path, shared_clients)


def test_no_schedule_makes_a_second_issue_or_loses_a_row(seed, stage):
    script = draw(seed)
    try:
        stage.play(script)
    except AssertionError as error:
        raise stage.shrink(script, error) from None


def test_a_failing_schedule_shrinks_to_what_a_person_can_read(stage, monkeypatch):
    monkeypatch.setattr(*BREAKS["claims are believed unseen"])
    for seed in range(100):
        script = draw(seed)
        try:
            stage.play(script)
        except AssertionError as error:
            stage.count = 0
            [said] = stage.shrink(script, error).__notes__
            assert len(said.partition("what happened:")[0].splitlines()) <= len(str(script).splitlines())
            assert said.count("  ") < 25
            return
    pytest.fail("100 schedules noticed nothing")


async def believe_nothing_was_made(_maker, tokens, **_options):
    return issue_maker.Settled({}, set(tokens), clean=True)


BREAKS = {
    "lost answers are not settled": (issue_maker.IssueMaker, "settle", believe_nothing_was_made),
    "claims are believed unseen": (claims, "standing", lambda wanted, _now: {claim.token for claim in wanted}),
    "orphans are not looked for": (reconcile, "likeness", lambda *_: ""),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_the_proof_notices(broken, stage, monkeypatch):
    """With one part of the making broken on purpose, some of the first schedules must fail."""
    monkeypatch.setattr(*BREAKS[broken])
    for seed in range(100):
        try:
            stage.play(draw(seed))
        except AssertionError:
            return
    pytest.fail(f"{broken}, and 100 schedules noticed nothing")
