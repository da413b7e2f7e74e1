"""The state of both services and their time, with copies of all of it."""

import pickle

from sandbox.google.google import Google
from sandbox.google.state import GoogleState
from sandbox.http.timeline import Clock, LateWrite, Timeline
from sandbox.jira.jira import Jira
from sandbox.jira.state import JiraState


class SandboxState:
    """Google and Jira on one timeline."""

    def __init__(self, clock: Clock, *, index_lag_s: float) -> None:
        self.timeline = Timeline(clock)
        self.google = Google(self.timeline)
        self.jira = Jira(self.timeline, index_lag_s)
        self.generation = 0
        """Counts the times everything was replaced, so that a request still under way can notice it."""

    @property
    def base_url(self) -> str:
        """E.g. `http://127.0.0.1:43211`; empty until the server runs."""
        return self.google.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.google.base_url = self.jira.base_url = url

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
            self._replace(google, jira, late)

    def clear(self) -> None:
        with self.timeline.lock:
            self._replace(GoogleState(), JiraState(), [])

    def _replace(self, google: GoogleState, jira: JiraState, late: list[LateWrite]) -> None:
        self.google.state, self.jira.state, self.timeline.late = google, jira, late
        self.generation += 1
