"""The two services, their time, and copies of all of it."""

import pickle

from sandbox.google.google_state import GoogleState
from sandbox.google.inside import Google
from sandbox.http.timeline import Clock, LateWrite, Timeline
from sandbox.jira.jira import Jira
from sandbox.jira.state import JiraState


class World:
    """Everything the requests act on."""

    def __init__(self, clock: Clock, *, index_lag_s: float) -> None:
        self.timeline = Timeline(clock)
        self.google = Google(self.timeline)
        self.jira = Jira(self.timeline, index_lag_s)
        self.base_url = ""
        self.generation = 0
        """Counts the times everything was replaced, so that a request still under way can notice it."""

    def snapshot(self) -> bytes:
        """A copy of the state that nothing can change."""
        with self.timeline.lock:
            self.timeline.settle()
            state = (self.google.state, self.jira.state, self.timeline.late)
            return pickle.dumps(state, pickle.HIGHEST_PROTOCOL)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; requests that are still under way will change nothing."""
        with self.timeline.lock:
            google: GoogleState
            jira: JiraState
            late: list[LateWrite]
            google, jira, late = pickle.loads(snapshot)  # noqa: S301 - our own bytes, made by snapshot()
            self.google.state, self.jira.state, self.timeline.late = google, jira, late
            self.generation += 1

    def empty(self) -> None:
        """Forget everything."""
        with self.timeline.lock:
            self.google.state, self.jira.state, self.timeline.late = GoogleState(), JiraState(), []
            self.generation += 1
